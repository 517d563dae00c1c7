#include "tests/fuzz/small_models.h"

#include <algorithm>

#include "loaders/model/arch.h"

namespace longhand::fuzz {
namespace {

using U32 = std::uint32_t;

class Keys {
 public:
  Keys(GgufHead& head, const SmallShape& shape) : head_(head), s_(shape), arch_(*find_arch(shape.arch)) {}

  void add_all() {
    head_.entries.push_back(gguf_entry("general.architecture", s_.arch));
    key("context_length", U32{64});
    key("embedding_length", s_.hidden);
    key("block_count", layers());
    add_heads();
    key("attention.key_length", s_.head_dim);
    key("attention.value_length", s_.head_dim);
    key(arch_.norm == Norm::rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon", 1e-5f);
    key("rope.dimension_count", arch_.latent || arch_.compressed ? s_.head_dim / 2 : s_.head_dim);
    if (arch_.window.period > 0) key("attention.sliding_window", U32{4});
    add_own();
    if (s_.experts > 0) add_experts();
  }

 private:
  template <class T>
  void key(const char* name, T value) {
    head_.entries.push_back(gguf_entry(s_.arch + "." + name, value));
  }
  bool attends() const { return !s_.arch.starts_with("mamba") && s_.arch.find("rwkv") == std::string::npos; }
  // Of architectures with several kinds of layers one each.
  U32 layers() const {
    if (arch_.compressed) return std::max<U32>(s_.layers, 3);
    if (arch_.mixer == Mixer::attention) return s_.layers;
    return std::max<U32>(s_.layers, arch_.single_block && attends() ? 3 : 2);
  }
  void array(const char* name, const std::vector<U32>& values) {
    head_.entries.push_back(gguf_array(s_.arch + "." + name, values));
  }

  // Which layers attend, and which are networks.
  void add_heads() {
    key("attention.head_count", attends() ? s_.heads : 0);
    const bool all =
        arch_.mixer == Mixer::attention || arch_.attention_interval > 0 || arch_.beside_attention;
    if (all) {
      key("attention.head_count_kv", s_.kv_heads);
    } else if (attends()) {
      std::vector<U32> heads(layers(), 0);
      heads.back() = s_.kv_heads;
      array("attention.head_count_kv", heads);
    }
    if (arch_.single_block) {
      std::vector<U32> widths(layers(), 0);
      if (attends()) widths[1] = s_.ff;
      array("feed_forward_length", widths);
    } else {
      key("feed_forward_length", s_.ff);
    }
  }

  void add_mamba() {
    key("ssm.conv_kernel", U32{4});
    key("ssm.state_size", U32{16});
    key("ssm.group_count", U32{1});
    key("ssm.time_step_rank", U32{2});
    key("ssm.inner_size", U32{32});
  }

  void add_rwkv() {
    key("wkv.head_size", U32{16});
    for (const char* name :
         {"time_mix_extra_dim", "time_decay_extra_dim", "attention.decay_lora_rank",
          "attention.iclr_lora_rank", "attention.value_residual_mix_lora_rank", "attention.gate_lora_rank"})
      key(name, U32{8});
    key("rescale_every_n_layers", U32{2});
  }

  // A layer without compressed keys, one whose blocks overlap, and one whose do not.
  void add_compressed() {
    key("attention.sliding_window", U32{4});
    key("attention.q_lora_rank", U32{32});
    std::vector<U32> ratios(layers(), 4);
    ratios.front() = 0;
    ratios.back() = 3;
    array("attention.compress_ratios", ratios);
    key("attention.output_group_count", U32{2});
    key("attention.output_lora_rank", U32{8});
    key("hyper_connection.count", U32{2});
    key("hyper_connection.sinkhorn_iterations", U32{2});
    key("hash_layer_count", U32{1});
  }

  // Of layers without attention, and of attention with compressed keys.
  void add_own() {
    if (arch_.mixer == Mixer::short_conv) key("shortconv.l_cache", U32{3});
    if (arch_.mixer == Mixer::delta_net) key("full_attention_interval", layers());
    if (arch_.mixer >= Mixer::delta_net && arch_.mixer < Mixer::rwkv6 && arch_.mixer != Mixer::matrix)
      add_mamba();
    if (arch_.mixer == Mixer::kimi_delta) key("kda.head_dim", U32{16});
    if (arch_.mixer >= Mixer::rwkv6) add_rwkv();
    if (s_.arch == "apertus") {
      for (const char* name : {"xielu.alpha_p", "xielu.alpha_n", "xielu.beta"})
        head_.entries.push_back(gguf_entry(name, 0.5f));
      head_.entries.push_back(gguf_entry("xielu.eps", -1e-6f));
    }
    if (arch_.indexed != Indexed::none) {
      key("attention.indexer.head_count", s_.kv_heads);
      key("attention.indexer.key_length", s_.head_dim);
      key("attention.indexer.top_k", U32{2});
      key("attention.indexer.block_size", U32{2});
    }
    if (arch_.compressed) add_compressed();
    if (arch_.latent) {
      key("attention.q_lora_rank", U32{32});
      key("attention.kv_lora_rank", U32{32});
    }
  }

  void add_experts() {
    key("expert_count", s_.experts);
    key("expert_used_count", U32{2});
    key("expert_feed_forward_length", s_.ff);
    key("expert_shared_feed_forward_length", s_.ff);
    if (s_.latent > 0) key("moe_latent_size", s_.latent);
    if (arch_.experts.chunks) key("expert_chunk_feed_forward_length", s_.ff);
  }

  GgufHead& head_;
  const SmallShape& s_;
  const ArchSpec& arch_;
};

}  // namespace

bool has_experts(const std::string& arch) {
  const auto is_in = [&](std::span<const ArchSpec> family) {
    return std::ranges::find(family, arch, &ArchSpec::name) != family.end();
  };
  return arch.ends_with("moe") || arch == "qwen3next" || arch == "deepseek4" || arch == "kimi-linear" ||
         is_in(experts_family()) || is_in(windowed_experts_family());
}

void add_metadata(GgufHead& head, const SmallShape& shape) { Keys(head, shape).add_all(); }

}  // namespace longhand::fuzz
