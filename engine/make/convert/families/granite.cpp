// Granite, and its mixtures of experts.
#include <algorithm>

#include "engine/make/convert/changes.h"
#include "engine/make/convert/families/llama.h"

namespace longhand {
namespace {

constexpr TensorRule kMoeLayerRules[] = {
    {"self_attn.q_proj", "attn_q", pair_query_neighbours},
    {"self_attn.k_proj", "attn_k", pair_key_neighbours},
    {"block_sparse_moe.router.layer", "ffn_gate_inp"},
    {"block_sparse_moe.input_linear", "ffn_gate_exps", first_half},
    {"block_sparse_moe.input_linear", "ffn_up_exps", second_half},
    {"block_sparse_moe.output_linear", "ffn_down_exps"},
    {"shared_mlp.input_linear", "ffn_gate_shexp", first_half},
    {"shared_mlp.input_linear", "ffn_up_shexp", second_half},
    {"shared_mlp.output_linear", "ffn_down_shexp"},
};

// Granite 4 without recurrent layers and experts: what is shared is then all there is.
constexpr TensorRule kDenseHybridLayerRules[] = {
    {"self_attn.q_proj", "attn_q", pair_query_neighbours},
    {"self_attn.k_proj", "attn_k", pair_key_neighbours},
    {"shared_mlp.input_linear", "ffn_gate", first_half},
    {"shared_mlp.input_linear", "ffn_up", second_half},
    {"shared_mlp.output_linear", "ffn_down"},
};

void granite_keys(const HubConfig& config, ModelKeys& keys) {
  llama_keys(config, keys);
  constexpr std::pair<std::string_view, std::string_view> kScales[] = {
      {"attention.scale", "attention_multiplier"},
      {"embedding_scale", "embedding_multiplier"},
      {"residual_scale", "residual_multiplier"},
      {"logit_scale", "logits_scaling"}};
  for (const auto& [key, name] : kScales) {
    const double scale = config.find_number(name).value_or(0);
    if (scale != 0) keys.number(key, scale);
  }
}

void granitemoe_keys(const HubConfig& config, ModelKeys& keys) {
  granite_keys(config, keys);
  const std::int64_t width = config.count_or("shared_intermediate_size", 0);
  if (width != 0) keys.count("expert_shared_feed_forward_length", width);
}

// The class stands for models with recurrent layers, but some of them have none.
void need_attention(const HubConfig& config) {
  const std::vector<bool> recurrent = layers_of_type(config, "mamba");
  const bool none = std::ranges::none_of(recurrent, [](bool it) { return it; });
  if (recurrent.empty() || !none)
    config.fail(Errc::unsupported, "layer_types",
                "Granite models with recurrent layers are known, but not converted");
}

void hybrid_keys(const HubConfig& config, ModelKeys& keys) {
  need_attention(config);
  granite_keys(config, keys);
  keys.count("feed_forward_length", config.count("shared_intermediate_size"));
}

void hybrid_moe_keys(const HubConfig& config, ModelKeys& keys) {
  need_attention(config);
  granitemoe_keys(config, keys);
}

bool has_experts(const HubConfig& config) { return config.count_or("num_local_experts", 0) > 0; }
bool has_no_experts(const HubConfig& config) { return !has_experts(config); }

constexpr std::string_view kGranite[] = {"GraniteForCausalLM"};
constexpr std::string_view kGraniteMoe[] = {"GraniteMoeForCausalLM", "GraniteMoeSharedForCausalLM"};
constexpr std::string_view kHybrid[] = {"GraniteMoeHybridForCausalLM"};

const Family kFamilies[] = {
    {.classes = kGranite,
     .architecture = "granite",
     .layer_rules = llama_layer_rules(),
     .keys = granite_keys},
    {.classes = kGraniteMoe,
     .architecture = "granitemoe",
     .layer_rules = kMoeLayerRules,
     .keys = granitemoe_keys},
    {.classes = kHybrid,
     .architecture = "granitemoe",
     .layer_rules = kMoeLayerRules,
     .keys = hybrid_moe_keys,
     .fits = has_experts},
    {.classes = kHybrid,
     .architecture = "granite",
     .layer_rules = kDenseHybridLayerRules,
     .keys = hybrid_keys,
     .fits = has_no_experts},
};

}  // namespace

std::span<const Family> granite_converters() noexcept { return kFamilies; }

}  // namespace longhand
