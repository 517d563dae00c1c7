// An architecture is a value: what a model of some name computes, as far as its file does not say so itself.
//
// Facts the file states are not here: sizes, biases, fused tensors, expert tensors, rope factor tensors and a
// missing output head (tied to the embedding) are read from the file or switched on by a tensor's presence.
// Norms are declared, so that a file that lacks one is refused instead of computing quiet garbage.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "loaders/model/blocks.h"
#include "loaders/model/pooling.h"

namespace longhand {

class ConfigReader;
struct ModelConfig;

enum class NormPlace : unsigned char {
  pre,       // x + f(norm(x))
  sandwich,  // x + norm(f(norm(x)))
  post,      // x + norm(f(x))
  stream,    // norm(x + f(x)), also of the embedding
};
enum class Residual : unsigned char {
  serial,       // the feed-forward reads what attention made of x
  as_stated,    // parallel unless the file says no
  parallel,     // attention and feed-forward both read x
  by_ffn_norm,  // parallel in files without a norm of their own for the feed-forward
};

/// What stands in a layer where others have attention.
enum class Mixer : unsigned char {
  none,  // nothing: the layer is a feed-forward network, if anything
  attention,
  latent,
  compressed,
  short_conv,
  delta_net,
  matrix,  // see MatrixPlan
  kimi_delta,
  mamba,
  mamba_normed,  // scan inputs are normalised with weights
  mamba_heads,   // the same, with time steps of heads
  mamba2,
  rwkv6,
  rwkv7,
};

/// Which layers have an indexer (see IndexerPlan).
enum class Indexed : unsigned char {
  none,
  all,
  by_tensor,     // those whose tensors are there
  behind_dense,  // all but the first dense ones; it chooses for each kv head
  overlapping,   // those with compressed keys of overlapping blocks
};

/// Layers with experts that have a dense network, too.
enum class DenseBeside : unsigned char {
  no,
  own_norms,    // x + norm(norm_1(dense(norm(x))) + norm_2(experts(norm_3(x))))
  same_norm,    // x + norm((dense(n) + experts(n)) / sqrt(2)), n = norm(x)
  layer_input,  // x + dense(norm(x)) + experts(norm_1(what the layer was given)), as wide as the stream
};

/// Which layers see only a window of the text.
struct WindowSpec {
  int period = 0;                // layers il with il % period < period - 1 have the window; 0: no layer
  bool everywhere = false;       // every layer has the window
  int width = 0;                 // used when the file does not say
  bool full_first = false;       // ... or all but those with il % period == 0
  bool local_rope = false;       // window layers use their own rope base, without scaling
  bool rope_only_local = false;  // full layers have no rope
  bool chunks = false;           // see AttentionCore::chunked
};

struct ExpertSpec {
  Gating gating = Gating::softmax;
  bool normalise = true;         // selected weights sum to 1
  bool parts_of_dense = false;   // without a width of its own, an expert has 1 / used of the dense width
  bool shared_each = false;      // the file's shared width is that of each of expert_shared_count networks
  bool averaged = false;         // the result is the mean of the chosen experts' and the shared network's
  bool weighs_input = false;     // see MoePlan
  bool routed_by_entry = false;  // the router reads what the layer was given
  bool chunks = false;           // see MoePlan
  bool limits_gate = false;      // see DensePlan
};

struct ArchSpec {
  std::string_view name;         // general.architecture
  std::string_view models = {};  // well-known ones, for people
  Norm norm = Norm::rms;
  bool rms_by_key = false;  // files that state the epsilon of root-mean-square norms have those
  NormPlace place = NormPlace::pre;
  std::string_view ffn_norm = "ffn_norm";        // the tensor of the norm before the feed-forward
  std::string_view output_norm = "output_norm";  // and of the last one; empty: there is none
  std::string_view attention_post_norm = "post_attention_norm";
  bool norm_weights = true;        // norms of the stream have tensors
  bool sub_norms = false;          // results are normalised before the last matrix of a block
  bool first_norm = true;          // the first layer, too, has a norm before attention
  bool embedding_norm = false;     // of the embeddings, before the first layer
  bool learned_positions = false;  // each position has a vector, added to the embedding
  bool token_types = false;        // files may have vectors of kinds of tokens, added too
  bool adds_embedding = false;     // each layer adds a multiple of the embedding
  float alibi = 0;                 // largest ALiBi bias where the file does not say; 0: none
  QkNorm qk_norm = QkNorm::none;   // before the rotation
  Residual residual = Residual::serial;
  Rope rope = Rope::neighbours;
  int no_rope_every = 0;           // layers (il + 1) % n == 0 are not rotated
  Mixer mixer = Mixer::attention;  // of layers without attention: those without heads for keys, ...
  int attention_interval = 0;      // ... or all but every so many, unless the file lists them
  bool beside_attention = false;   // every layer has both, side by side
  bool channel_mix = false;        // the feed-forward is ChannelMixPlan
  bool single_block = false;       // a layer is one block: a network where it has a width, else what mixes
  bool latent = false;             // attention is that of LatentPlan
  bool compressed = false;         // attention is that of CompressedPlan
  bool hyper = false;              // a token has streams with hyper-connections, see HyperMixPlan
  bool head_is_rotated = false;    // a head has as many values as are rotated
  Indexed indexed = Indexed::none;
  OutputGate gate = OutputGate::no;
  bool value_norm = false;  // values are normalised without weights; without attn_v they are the keys
  DenseBeside beside = DenseBeside::no;
  bool interleaved_heads = false;  // see DeltaNetPlan
  Act act = Act::silu;
  bool gated = true;  // act(gate x) * (up x), else act(up x)
  WindowSpec window{};
  ExpertSpec experts{};
  bool causal = true;  // a token sees those before it; else the whole text, and half of a window on each side
  ScoreSpec score{};   // of rerankers
  int streams = 1;     // of a token, see blocks/altup.h; used when the file does not say
  int laurel_rank = 0;                             // of a map of low rank beside attention; 0: none
  int own_kv_layers = 0;                           // the first layers, those behind share with them; 0: all
  bool sqrt_embedding = false;                     // embeddings are multiplied by sqrt(hidden size)
  float attention_softcap = 0, final_softcap = 0;  // used when the file does not say
  bool logits_divided = false;                     // the file's logit scale divides instead of multiplying
  void (*read)(const ConfigReader&, ModelConfig&) = nullptr;  // what only its files state
  void (*quirk)(ModelConfig&) = nullptr;                      // what no field can say
  bool next_heads = false;                                    // its prediction layers are as in next_head.h
  bool sections_interleaved = false;                          // see RopeConfig
};

/// The architectures of each family, one file of archs/ each.
std::span<const ArchSpec> llama_family() noexcept;
std::span<const ArchSpec> gemma_family() noexcept;
std::span<const ArchSpec> qwen_family() noexcept;
std::span<const ArchSpec> layer_norm_family() noexcept;
std::span<const ArchSpec> scaled_family() noexcept;
std::span<const ArchSpec> experts_family() noexcept;
std::span<const ArchSpec> windowed_experts_family() noexcept;
std::span<const ArchSpec> latent_family() noexcept;
std::span<const ArchSpec> lfm_family() noexcept;
std::span<const ArchSpec> hunyuan_family() noexcept;
std::span<const ArchSpec> plamo_family() noexcept;
std::span<const ArchSpec> no_rope_family() noexcept;
std::span<const ArchSpec> mamba_family() noexcept;
std::span<const ArchSpec> rwkv_family() noexcept;
std::span<const ArchSpec> bert_family() noexcept;

/// nullptr for an architecture this library does not know.
const ArchSpec* find_arch(std::string_view name) noexcept;
/// All known architectures.
std::vector<const ArchSpec*> all_archs();
/// Their names, comma-separated, for messages.
std::string known_archs();

}  // namespace longhand
