// Llama, Mistral, Mixtral, SmolLM3, Ministral.
#include <fmt/format.h>

#include "engine/make/convert/changes.h"
#include "engine/make/convert/families/llama.h"

namespace longhand {
namespace {

constexpr TensorRule kLayerRules[] = {
    {"self_attn.q_proj", "attn_q", pair_query_neighbours},
    {"self_attn.k_proj", "attn_k", pair_key_neighbours},
    {"block_sparse_moe.gate", "ffn_gate_inp"},
    {"block_sparse_moe.experts.*.w1", "ffn_gate_exps"},
    {"block_sparse_moe.experts.*.w2", "ffn_down_exps"},
    {"block_sparse_moe.experts.*.w3", "ffn_up_exps"},
};

// Every fourth layer does not rotate: the architecture has it so, and no key says otherwise.
void smollm3_keys(const HubConfig& config, ModelKeys& keys) {
  llama_keys(config, keys);
  constexpr std::int64_t kInterval = 4;
  const std::int64_t interval = config.count_or("no_rope_layer_interval", kInterval);
  if (interval != kInterval)
    config.fail(Errc::unsupported, "no_rope_layer_interval",
                fmt::format("{}, must be {}", interval, kInterval));
  const std::vector<std::int64_t> rotates = config.counts("no_rope_layers");  // 0 for those that do not
  for (std::size_t il = 0; il < rotates.size(); ++il) {
    if ((rotates[il] != 0) != ((il + 1) % kInterval != 0))
      config.fail(
          Errc::unsupported, "no_rope_layers",
          fmt::format("layer {} is {}, must be 0 in every {}th layer alone", il, rotates[il], kInterval));
  }
}

void mistral3_keys(const HubConfig& config, ModelKeys& keys) {
  llama_keys(config, keys);
  const HubConfig rope = rope_of_full_layers(config);
  if (const auto scale = rope.find_number("mscale_all_dim"))
    keys.number("rope.scaling.yarn_log_multiplier", *scale);
  if (const auto scale = rope.find_number("llama_4_scaling_beta"))
    keys.number("attention.temperature_scale", *scale);
}

constexpr std::string_view kLlama[] = {"LlamaForCausalLM", "LLaMAForCausalLM", "MistralForCausalLM",
                                       "MixtralForCausalLM"};
constexpr std::string_view kSmollm3[] = {"SmolLM3ForCausalLM"};
constexpr std::string_view kMistral3[] = {"Mistral3ForConditionalGeneration", "Ministral3ForCausalLM"};

constexpr Family kFamilies[] = {
    {.classes = kLlama, .architecture = "llama", .layer_rules = kLayerRules, .keys = llama_keys},
    {.classes = kSmollm3, .architecture = "smollm3", .layer_rules = kLayerRules, .keys = smollm3_keys},
    {.classes = kMistral3, .architecture = "mistral3", .layer_rules = kLayerRules, .keys = mistral3_keys},
};

}  // namespace

std::span<const TensorRule> llama_layer_rules() noexcept { return kLayerRules; }

void llama_keys(const HubConfig& config, ModelKeys& keys) {
  keys.count("rope.dimension_count", head_size(config));
  if (const auto tokens = config.find_count("vocab_size")) keys.count("vocab_size", *tokens);
}

std::span<const Family> llama_converters() noexcept { return kFamilies; }

}  // namespace longhand
