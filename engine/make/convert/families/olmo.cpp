// OLMo 1 to 3, and OLMoE.
#include "engine/make/convert/changes.h"
#include "engine/make/convert/families/llama.h"

namespace longhand {
namespace {

constexpr double kEpsilon = 1e-5;  // of norms, which config.json does not state

constexpr TensorRule kOlmo2LayerRules[] = {
    {"post_attention_layernorm", "post_attention_norm"},
    {"post_feedforward_layernorm", "post_ffw_norm"},
};

void olmo_keys(const HubConfig& config, ModelKeys& keys) {
  keys.number("attention.layer_norm_epsilon", kEpsilon);
  if (const auto bound = config.find_number("clip_qkv")) keys.number("attention.clamp_kqv", *bound);
}

// OLMo 3 sees everything in every fourth layer.
void olmo2_keys(const HubConfig& config, ModelKeys& keys) {
  if (!config.has("sliding_window")) return;
  keys.count("attention.sliding_window", config.count("sliding_window"));
  std::vector<bool> local = layers_of_type(config, "sliding_attention");
  const auto layers = std::size_t(config.count("num_hidden_layers"));
  for (std::size_t il = local.size(); il < layers; ++il) local.push_back((il + 1) % 4 != 0);
  keys.flags("attention.sliding_window_pattern", local);
}

void olmoe_keys(const HubConfig&, ModelKeys& keys) {
  keys.number("attention.layer_norm_rms_epsilon", kEpsilon);
}

constexpr std::string_view kOlmo[] = {"OlmoForCausalLM"};
constexpr std::string_view kOlmo2[] = {"Olmo2ForCausalLM", "Olmo3ForCausalLM"};
constexpr std::string_view kOlmoe[] = {"OlmoeForCausalLM"};

const Family kFamilies[] = {
    {.classes = kOlmo, .architecture = "olmo", .layer_rules = llama_layer_rules(), .keys = olmo_keys},
    {.classes = kOlmo2, .architecture = "olmo2", .layer_rules = kOlmo2LayerRules, .keys = olmo2_keys},
    {.classes = kOlmoe, .architecture = "olmoe", .keys = olmoe_keys},
};

}  // namespace

std::span<const Family> olmo_converters() noexcept { return kFamilies; }

}  // namespace longhand
