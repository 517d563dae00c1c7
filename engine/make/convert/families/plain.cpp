// Models whose weights are written as they are: Seed-OSS, Ernie 4.5, EXAONE 4, StarCoder 2, and the text
// models of Qwen2-VL, Qwen2.5-VL and Qwen3-VL.
#include "engine/make/convert/changes.h"

namespace longhand {
namespace {

constexpr TensorRule kSeedLayerRules[] = {{"post_attention_layernorm", "post_attention_norm"}};
constexpr TensorRule kExaone4LayerRules[] = {
    {"post_attention_layernorm", "post_attention_norm"},
    {"post_feedforward_layernorm", "post_ffw_norm"},
};
constexpr TensorRule kStarcoder2LayerRules[] = {
    {"mlp.c_fc", "ffn_up"},
    {"mlp.c_proj", "ffn_down"},
};

void exaone4_keys(const HubConfig& config, ModelKeys& keys) {
  keys.count("vocab_size", config.count("vocab_size"));
  if (!config.has("sliding_window")) return;
  keys.count("attention.sliding_window", config.count("sliding_window"));
  const std::vector<bool> local = layers_of_type(config, "sliding_attention");
  if (local.empty())
    config.fail(Errc::missing, "layer_types", "required where there is a sliding_window, absent");
  keys.flags("attention.sliding_window_pattern", local);
}

// States of pictures are added behind that many layers.
void qwen3vl_keys(const HubConfig& config, ModelKeys& keys) {
  const auto layers = config.object("vision_config").counts("deepstack_visual_indexes");
  keys.count("n_deepstack_layers", std::int64_t(layers.size()));
}

constexpr std::string_view kSeed[] = {"SeedOssForCausalLM"};
constexpr std::string_view kErnie[] = {"Ernie4_5ForCausalLM"};
constexpr std::string_view kExaone4[] = {"Exaone4ForCausalLM"};
constexpr std::string_view kStarcoder2[] = {"Starcoder2ForCausalLM"};
constexpr std::string_view kQwen2Vl[] = {"Qwen2VLForConditionalGeneration",
                                         "Qwen2_5_VLForConditionalGeneration"};
constexpr std::string_view kQwen3Vl[] = {"Qwen3VLForConditionalGeneration"};

constexpr Family kFamilies[] = {
    {.classes = kSeed, .architecture = "seed_oss", .layer_rules = kSeedLayerRules},
    {.classes = kErnie, .architecture = "ernie4_5"},
    {.classes = kExaone4, .architecture = "exaone4", .layer_rules = kExaone4LayerRules, .keys = exaone4_keys},
    {.classes = kStarcoder2, .architecture = "starcoder2", .layer_rules = kStarcoder2LayerRules},
    {.classes = kQwen2Vl, .architecture = "qwen2vl"},
    {.classes = kQwen3Vl, .architecture = "qwen3vl", .keys = qwen3vl_keys},
};

}  // namespace

std::span<const Family> plain_converters() noexcept { return kFamilies; }

}  // namespace longhand
