// LFM2, LFM2.5 and their mixtures of experts.
#include <fmt/format.h>

#include <algorithm>

#include "engine/make/convert/changes.h"

namespace longhand {
namespace {

constexpr TensorRule kLayerRules[] = {
    {"operator_norm", "attn_norm"},
    {"ffn_norm", "ffn_norm"},
    {"self_attn.out_proj", "attn_output"},
    {"self_attn.q_layernorm", "attn_q_norm"},
    {"self_attn.k_layernorm", "attn_k_norm"},
    {"conv.conv", "shortconv.conv", without_middle},
    {"conv.in_proj", "shortconv.in_proj"},
    {"conv.out_proj", "shortconv.out_proj"},
    {"feed_forward.w1", "ffn_gate"},
    {"feed_forward.w2", "ffn_down"},
    {"feed_forward.w3", "ffn_up"},
    {"feed_forward.gate", "ffn_gate_inp"},
    {"feed_forward.expert_bias", "exp_probs_b.bias"},
    {"feed_forward.experts.*.w1", "ffn_gate_exps"},
    {"feed_forward.experts.*.w2", "ffn_down_exps"},
    {"feed_forward.experts.*.w3", "ffn_up_exps"},
};
constexpr TensorRule kRules[] = {{"embedding_norm", "token_embd_norm"}};

// Layers with a convolution have no heads for keys and values.
void layer_keys(const HubConfig& config, ModelKeys& keys) {
  std::vector<bool> attends = layers_of_type(config, "full_attention");
  if (attends.empty()) {
    attends.resize(std::size_t(config.count("num_hidden_layers")));
    for (const std::int64_t il : config.counts("full_attn_idxs")) {
      if (il >= std::int64_t(attends.size()))
        config.fail(Errc::range, "full_attn_idxs", fmt::format("layer {}", il));
      attends[std::size_t(il)] = true;
    }
  }
  const std::int64_t heads = config.count("num_key_value_heads");
  std::vector<std::int64_t> counts;
  for (const bool attending : attends) counts.push_back(attending ? heads : 0);
  keys.counts("attention.head_count_kv", counts);
  keys.count("vocab_size", config.count("vocab_size"));
  keys.count("shortconv.l_cache", config.count("conv_L_cache"));
}

// The width that config.json states is that before two thirds and rounding, unless it says otherwise.
std::int64_t feed_forward_width(const HubConfig& config) {
  const auto stated = config.find_count({"block_ff_dim", "intermediate_size"});
  if (!stated) config.fail(Errc::missing, "block_ff_dim", "required, absent");
  if (!config.flag_or("block_auto_adjust_ff_dim", true)) return *stated;
  auto width = std::int64_t(double(2 * *stated) / 3);
  if (const auto factor = config.find_number("block_ffn_dim_multiplier")) {
    constexpr double kMostFactor = 1024;
    if (*factor < 0 || *factor > kMostFactor)
      config.fail(Errc::range, "block_ffn_dim_multiplier",
                  fmt::format("{}, must be from 0 to {}", *factor, kMostFactor));
    width = std::int64_t(*factor * double(width));
  }
  const std::int64_t multiple = std::max<std::int64_t>(1, config.count_or("block_multiple_of", 256));
  return (width + multiple - 1) / multiple * multiple;
}

void lfm2_keys(const HubConfig& config, ModelKeys& keys) {
  layer_keys(config, keys);
  keys.count("feed_forward_length", feed_forward_width(config));
}

void lfm2moe_keys(const HubConfig& config, ModelKeys& keys) {
  layer_keys(config, keys);
  constexpr std::int64_t kSigmoid = 2;
  keys.count("expert_gating_func", kSigmoid);
  keys.count("expert_feed_forward_length", config.count("moe_intermediate_size"));
  keys.count("leading_dense_block_count", config.count("num_dense_layers"));
}

constexpr std::string_view kLfm2[] = {"Lfm2ForCausalLM", "LFM2ForCausalLM"};
constexpr std::string_view kLfm2Moe[] = {"Lfm2MoeForCausalLM"};
constexpr std::string_view kPreTokenizers[] = {"lfm2"};

constexpr Family kFamilies[] = {
    {.classes = kLfm2,
     .architecture = "lfm2",
     .layer_rules = kLayerRules,
     .rules = kRules,
     .keys = lfm2_keys,
     .pre_tokenizers = kPreTokenizers},
    {.classes = kLfm2Moe,
     .architecture = "lfm2moe",
     .layer_rules = kLayerRules,
     .rules = kRules,
     .keys = lfm2moe_keys,
     .pre_tokenizers = kPreTokenizers},
};

}  // namespace

std::span<const Family> lfm_converters() noexcept { return kFamilies; }

}  // namespace longhand
