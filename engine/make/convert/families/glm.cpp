// GLM-4, and the mixtures of experts of GLM-4.5 to 4.7.
#include "engine/make/convert/changes.h"

namespace longhand {
namespace {

void glm4_keys(const HubConfig& config, ModelKeys& keys) {
  const double share = rotated_share(rope_of_full_layers(config), 0.5);
  keys.count("rope.dimension_count", std::int64_t(double(head_size(config)) * share));
}

void glm4moe_keys(const HubConfig& config, ModelKeys& keys) {
  glm4_keys(config, keys);
  constexpr std::int64_t kSigmoid = 2;
  keys.count("expert_gating_func", kSigmoid);
  constexpr std::pair<std::string_view, std::string_view> kCounts[] = {
      {"expert_feed_forward_length", "moe_intermediate_size"},
      {"expert_shared_count", "n_shared_experts"},
      {"leading_dense_block_count", "first_k_dense_replace"}};
  for (const auto& [key, name] : kCounts) {
    if (const auto value = config.find_count(name)) keys.count(key, *value);
  }
}

constexpr TensorRule kGlm4LayerRules[] = {
    {"post_self_attn_layernorm", "post_attention_norm"},
    {"post_attention_layernorm", "ffn_norm"},
    {"post_mlp_layernorm", "post_ffw_norm"},
    {"mlp.gate_up_proj", "ffn_up"},  // gate, then up
};
constexpr TensorRule kGlm4MoeLayerRules[] = {{"post_attention_layernorm", "post_attention_norm"}};

constexpr std::string_view kGlm4[] = {"Glm4ForCausalLM"};
constexpr std::string_view kGlm4Moe[] = {"Glm4MoeForCausalLM"};
constexpr std::string_view kPreTokenizers[] = {"glm4"};

constexpr Family kFamilies[] = {
    {.classes = kGlm4,
     .architecture = "glm4",
     .layer_rules = kGlm4LayerRules,
     .keys = glm4_keys,
     .pre_tokenizers = kPreTokenizers},
    {.classes = kGlm4Moe,
     .architecture = "glm4moe",
     .layer_rules = kGlm4MoeLayerRules,
     .keys = glm4moe_keys,
     .pre_tokenizers = kPreTokenizers},
};

}  // namespace

std::span<const Family> glm_converters() noexcept { return kFamilies; }

}  // namespace longhand
