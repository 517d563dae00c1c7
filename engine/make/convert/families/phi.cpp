// Phi 3, 3.5, 4 and 4-mini.
#include <fmt/format.h>
#include <cmath>

#include "engine/make/convert/changes.h"

namespace longhand {
namespace {

constexpr TensorRule kLayerRules[] = {
    {"self_attn.qkv_proj", "attn_qkv"}, {"mlp.gate_up_proj", "ffn_up"},  // gate, then up
};

std::int64_t rotated(const HubConfig& config) {
  return std::int64_t(rotated_share(rope_of_full_layers(config), 1) * double(head_size(config)));
}

std::int64_t original_context(const HubConfig& config) {
  return rope_of_full_layers(config).count_or("original_max_position_embeddings",
                                              config.count("max_position_embeddings"));
}

void phi3_keys(const HubConfig& config, ModelKeys& keys) {
  keys.count("rope.dimension_count", rotated(config));
  keys.count("rope.scaling.original_context_length", original_context(config));
  keys.count("attention.sliding_window", config.count_or("sliding_window", 0));
  const HubConfig rope = rope_of_full_layers(config);
  if (!rope.has("long_factor")) return;
  // Scores grow with the stretch, as in transformers' longrope.
  const auto original = double(original_context(config));
  const double stretch = double(config.count("max_position_embeddings")) / original;
  const double factor = stretch > 1 ? std::sqrt(1 + std::log(stretch) / std::log(original)) : 1;
  keys.number("rope.scaling.attn_factor", factor);
}

std::vector<ExtraTensor> long_factors(const HubConfig& config) {
  const HubConfig rope = rope_of_full_layers(config);
  std::vector<ExtraTensor> tensors;
  if (!rope.has("long_factor")) return tensors;
  const std::pair<std::string_view, std::string_view> kTensors[] = {
      {"long_factor", "rope_factors_long.weight"}, {"short_factor", "rope_factors_short.weight"}};
  for (const auto& [key, name] : kTensors) {
    const std::vector<double> factors = rope.numbers(key);
    if (std::int64_t(factors.size()) * 2 != rotated(config))
      rope.fail(Errc::range, key, fmt::format("{} factors, must be {}", factors.size(), rotated(config) / 2));
    tensors.push_back({std::string(name), computed_rows(std::vector<float>(factors.begin(), factors.end()))});
  }
  return tensors;
}

constexpr std::string_view kPhi3[] = {"Phi3ForCausalLM"};

constexpr Family kFamilies[] = {
    {.classes = kPhi3,
     .architecture = "phi3",
     .layer_rules = kLayerRules,
     .keys = phi3_keys,
     .extra = long_factors},
};

}  // namespace

std::span<const Family> phi_converters() noexcept { return kFamilies; }

}  // namespace longhand
