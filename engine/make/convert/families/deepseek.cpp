// DeepSeek V2, V3 and R1, also from weights in blocks of 8-bit fractions.
#include <fmt/format.h>

#include "engine/make/convert/changes.h"

namespace longhand {
namespace {

// Of each head: its keys' outputs, then its values'.
std::vector<std::uint64_t> head_parts(const RuleContext& at, std::int64_t offset, std::int64_t count) {
  const std::int64_t heads = at.config.count("num_attention_heads");
  const std::int64_t size = at.config.count("qk_nope_head_dim") + at.config.count("v_head_dim");
  std::vector<std::uint64_t> places;
  for (std::int64_t head = 0; head < heads; ++head) {
    for (std::int64_t i = 0; i < count; ++i) places.push_back(std::uint64_t(head * size + offset + i));
  }
  return places;
}

TensorRows heads_of(TensorRows rows, std::int64_t offset, std::int64_t count, const RuleContext& at) {
  const std::int64_t heads = at.config.count("num_attention_heads");
  need_outputs(rows, heads * (at.config.count("qk_nope_head_dim") + at.config.count("v_head_dim")), at);
  const std::uint64_t width = rows.cols();
  return reshaped(with_outputs(std::move(rows), head_parts(at, offset, count)),
                  {std::uint64_t(heads), std::uint64_t(count), width});
}

// Queries are multiplied by what makes keys, so that keys need not be made.
TensorRows key_heads(TensorRows rows, const RuleContext& at) {
  return transposed(heads_of(std::move(rows), 0, at.config.count("qk_nope_head_dim"), at));
}

TensorRows value_heads(TensorRows rows, const RuleContext& at) {
  return heads_of(std::move(rows), at.config.count("qk_nope_head_dim"), at.config.count("v_head_dim"), at);
}

constexpr TensorRule kLayerRules[] = {
    {"self_attn.q_a_proj", "attn_q_a"},
    {"self_attn.q_a_layernorm", "attn_q_a_norm"},
    {"self_attn.q_b_proj", "attn_q_b"},
    {"self_attn.kv_a_proj_with_mqa", "attn_kv_a_mqa"},
    {"self_attn.kv_a_layernorm", "attn_kv_a_norm"},
    {"self_attn.kv_b_proj", "attn_k_b", key_heads},
    {"self_attn.kv_b_proj", "attn_v_b", value_heads},
};

void attention_keys(const HubConfig& config, ModelKeys& keys) {
  const std::int64_t rank = config.count("kv_lora_rank"), rotated = config.count("qk_rope_head_dim");
  keys.count("attention.head_count_kv", 1);  // all heads share the compressed keys
  if (const auto q_rank = config.find_count("q_lora_rank")) keys.count("attention.q_lora_rank", *q_rank);
  keys.count("attention.kv_lora_rank", rank);
  keys.count("attention.key_length", rank + rotated);
  keys.count("attention.value_length", rank);
  keys.count("attention.key_length_mla", config.count("qk_nope_head_dim") + rotated);
  keys.count("attention.value_length_mla", config.count("v_head_dim"));
  keys.count("rope.dimension_count", rotated);
  // Files of this architecture have a tenth of what they mean.
  if (const auto scale = rope_of_full_layers(config).find_number("mscale_all_dim"))
    keys.number("rope.scaling.yarn_log_multiplier", 0.1 * *scale);
}

void deepseek2_keys(const HubConfig& config, ModelKeys& keys) {
  attention_keys(config, keys);
  keys.count("vocab_size", config.count("vocab_size"));
  const bool experts = config.has("n_routed_experts");
  keys.count("leading_dense_block_count",
             config.count_or("first_k_dense_replace", experts ? 0 : config.count("num_hidden_layers")));
  keys.count("expert_feed_forward_length",
             config.count_or("moe_intermediate_size", config.count_or("intermediate_size", 0)));
  keys.count("expert_shared_count", config.count_or("n_shared_experts", 0));
}

constexpr DefaultValue kDefaults[] = {{"rms_norm_eps", 1e-6}};
constexpr std::string_view kDeepseek2[] = {"DeepseekV2ForCausalLM", "DeepseekV3ForCausalLM"};
constexpr std::string_view kPreTokenizers[] = {"deepseek-v3", "deepseek-llm"};

constexpr Family kFamilies[] = {
    {.classes = kDeepseek2,
     .architecture = "deepseek2",
     .layer_rules = kLayerRules,
     .keys = deepseek2_keys,
     .defaults = kDefaults,
     .pre_tokenizers = kPreTokenizers},
};

}  // namespace

std::span<const Family> deepseek_converters() noexcept { return kFamilies; }

}  // namespace longhand
