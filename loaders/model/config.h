// The numbers of one model: its architecture's value joined with the metadata of its file, checked.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "loaders/gguf/gguf.h"
#include "loaders/model/arch.h"

namespace longhand {

/// The numbers of one layer, as far as the metadata tells them.
struct LayerShape {
  Mixer mixer = Mixer::attention;
  int heads = 0, kv_heads = 0;      // heads is a multiple of kv_heads; of layers with attention
  int head_dim = 0, value_dim = 0;  // of queries and keys; of values
  int value_in_key = -1;            // see AttentionCore
  int ff = 0;                       // feed-forward width of the dense form
  float gate_cut = -std::numeric_limits<float>::infinity();  // see DensePlan
  std::optional<Xielu> xielu;                                // its activation, in place of the architecture's
  float dense_limit = 0, expert_limit = 0;                   // see DensePlan
  int window = 0;           // keys visible to a query, itself included; 0: all
  int ratio = 0, near = 0;  // see CompressedPlan: tokens of a compressed key, and those that keep their own
  bool rope = true;
  bool tempered = true;  // see ModelConfig::temperature_scale
  QkNorm qk_norm = QkNorm::none;
  bool local_rope = false;  // rotated by RopeConfig::local_base, without scaling
  bool may_have_experts = true;
  bool listed_experts = false;  // a table says which experts a token goes to
  int kv_layer = -1;            // the earlier layer whose keys and values this one reads; -1: it has its own

  bool attends() const noexcept { return heads > 0; }
  /// Numbers that are remembered of the keys and values of a token.
  std::int64_t remembered() const noexcept {
    return std::int64_t{kv_heads} * (head_dim + (value_in_key < 0 ? value_dim : 0));
  }
};

enum class RopeScalingRule : std::uint8_t { none, linear, yarn, longrope };

struct RopeConfig {
  // Rotated dimensions of a head, even, at most its size: in layers that see everything, and in those with a
  // window.
  int rot = 0, local_rot = 0;
  // Pairs turned by each number of a position, one section after the other; 0: positions are one number.
  // Those of images have several; those of text are all the same.
  std::array<int, 4> sections{};
  bool sections_interleaved = false;  // pairs take turns: time, height, width, time, ... as long as there are
  bool fourth_stands = false;         // but text has no fourth: those pairs are not turned
  bool finetuned = true;              // trained with the scaling the file states
  double base = 10000, local_base = 10000;
  RopeScalingRule rule = RopeScalingRule::none;
  double factor = 1;
  int original_context = 0;
  bool keeps_length = false;  // a rotation has no magnitude, whatever the scaling says
  double attn_factor = 1, beta_fast = 32, beta_slow = 1, ext_factor = 1, log_multiplier = 0;
};

/// How the score's sharpness grows with the number n of tokens seen.
enum class ScaleRule : std::uint8_t { constant, log_n, sqrt_log_n };

/// What a file says about attention beyond its architecture.
struct AttentionConfig {
  bool key_norm = false, query_norm = false;  // heads are scaled to length 1 before the rotation
  ScaleRule scale_rule = ScaleRule::constant;
  double scale_coefficient = 1;
  // The recommended memory; empty, 0 or negative: none stated.
  std::string memory;
  int window = 0, sinks = -1, far = 0;
  float leak = 0;
  bool quantize_window = false;  // near keys are replaced by their codes too
  std::vector<int> fsq_levels;   // codes are grid points of these levels; empty: a codebook
};

/// Of latent attention.
struct LatentConfig {
  int q_rank = 0, rank = 0;        // of the compressed queries (0: they are not), keys and values
  int key_dim = 0, value_dim = 0;  // of a head, before compression
};

/// Of attention with compressed keys: see CompressedPlan.
struct CompressedConfig {
  int groups = 1, out_rank = 0;
};

/// Of indexers: see IndexerPlan.
struct IndexerConfig {
  int heads = 0, width = 0, top = 0, block = 1, local = 0;
};

/// Of recurrent layers; 0 where the architecture has none.
struct RecurrentConfig {
  int conv_width = 0;   // taps of the convolution
  int state_size = 0;   // of a head's state
  int heads = 0;        // time steps of a token
  int groups = 0;       // of heads
  int inner = 0;        // heads x their size
  int dt_rank = 0;      // values that time steps come from
  bool normed = false;  // time steps and what else a scan reads are normalised, without weights
};

/// Of RWKV: where it is not said otherwise, the ranks of what comes through few values.
struct RwkvConfig {
  int mix_rank = 0, decay_rank = 0, rate_rank = 0, value_rank = 0, gate_rank = 0;
  int kv_heads = 0;
  int rescale_every = 0;  // the stream is halved behind every so many layers; 0: never
};

/// Of vectors and scores of whole texts.
struct PoolingConfig {
  PoolingRule rule = PoolingRule::unstated;
  ScoreSpec score;
  std::vector<std::string> labels;  // of the scores; empty: there is one, without a name
  int wide = 0, narrow = 0;         // see PoolingHead
  int token_types = 0;              // kinds of tokens that have vectors of their own
};

struct ModelConfig {
  const ArchSpec* arch = nullptr;
  Norm norm = Norm::rms;
  NormPlace place = NormPlace::pre;
  Residual residual = Residual::serial;
  Rope pairs = Rope::none;  // how dimensions are paired for rotation
  Act act = Act::silu;      // of feed-forward networks
  bool causal = true;       // a token sees those before it; else the whole text
  int vocab = 0, hidden = 0, trained_context = 0;
  std::vector<LayerShape> layers;
  int shared_kv_layers = 0;  // the last layers, which read the keys and values of earlier ones
  int per_layer_width = 0;   // values a token has for each layer beside the stream; 0: none
  int streams = 1;           // of a token, see blocks/altup.h and blocks/hyper_mix.h
  int hyper_iterations = 0;  // see HyperMixPlan; 0: streams are no hyper-connections
  float hyper_epsilon = 0;
  int skipped_layers = 0;  // prediction layers behind the last one, not used
  float norm_epsilon = 1e-5f;
  float attention_scale = 0;                                       // multiplies q . k; 0: 1 / sqrt(head size)
  float attention_softcap = 0, final_softcap = 0;                  // 0: none
  float clamp_kqv = 0;                                             // see AttentionPlan
  float alibi = 0;                                                 // largest ALiBi bias; 0: none
  float embedding_scale = 0, residual_scale = 0, logit_scale = 0;  // 0: none
  bool gates_heads = false;                                        // see AttentionPlan
  float attention_output_scale = 0;                                // of what attention adds; 0: none
  // q *= 1 + scale ln(floor((position + offset) / length) + 1); scale 0: none
  float temperature_scale = 0;
  int temperature_length = 0, temperature_offset = 0;
  RopeConfig rope;
  AttentionConfig attention;
  LatentConfig latent;
  CompressedConfig compressed;
  IndexerConfig indexer;
  RecurrentConfig recurrent;
  RwkvConfig rwkv;
  int expert_latent = 0;  // width experts work in; 0: that of the stream
  PoolingConfig pooling;
  int experts = 0, experts_used = 0, expert_ff = 0, shared_ff = 0;
  int expert_groups = 1, expert_groups_used = 1;
  Gating gating = Gating::softmax;
  bool normalise_experts = true;
  float expert_scale = 1;
  int chunk_ff = 0, experts_per_chunk = 1;  // see MoePlan
  float chunk_scale = 1;

  /// Numbers that all layers remember of a token that none of them forgets.
  std::int64_t remembered() const noexcept {
    std::int64_t sum = 0;
    for (const LayerShape& layer : layers) sum += layer.remembered();
    return sum;
  }
  /// A model that is made for vectors or scores of texts, not for continuing them.
  bool embeds() const noexcept { return !causal || pooling.rule > PoolingRule::none; }
};

struct GgufHead;

/// Throws Error: unsupported (architecture, naming the known ones), missing, type, range.
ModelConfig load_config(const Gguf& file);
/// Of metadata that is not in a file yet; `head` need have no tensors. Throws Error as above.
ModelConfig load_config(const GgufHead& head);

}  // namespace longhand
