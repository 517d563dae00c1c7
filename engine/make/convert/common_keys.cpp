// The keys that most models have: sizes, rotary positions, experts.
#include <fmt/format.h>

#include <algorithm>

#include "engine/make/convert/family.h"

namespace longhand {
namespace {

struct CountRow {
  std::string_view key;
  std::initializer_list<std::string_view> names;  // in config.json; the first that is there
};
struct NumberRow {
  std::string_view key, name;
};

void add_sizes(const HubConfig& config, ModelKeys& keys) {
  const CountRow kCounts[] = {
      {"block_count", {"num_hidden_layers", "n_layers", "num_layers"}},
      {"context_length", {"max_position_embeddings", "n_positions", "max_sequence_length"}},
      {"embedding_length", {"hidden_size", "n_embd"}},
      {"feed_forward_length", {"intermediate_size", "n_inner"}},
      {"attention.head_count", {"num_attention_heads", "n_head"}},
      {"attention.head_count_kv", {"num_key_value_heads", "n_kv_heads"}},
      {"attention.key_length", {"head_dim"}},
      {"attention.value_length", {"head_dim"}},
      {"expert_count", {"num_local_experts", "num_experts", "n_routed_experts"}},
      {"expert_used_count", {"num_experts_per_tok", "num_experts_per_token", "top_k_experts"}},
      {"expert_group_count", {"n_group"}},
      {"expert_group_used_count", {"topk_group"}},
  };
  for (const CountRow& row : kCounts) {
    if (const auto value = config.find_count(row.names)) keys.count(row.key, *value);
  }
  if (const auto value = config.find_number({"rms_norm_eps", "norm_eps"}))
    keys.number("attention.layer_norm_rms_epsilon", *value);
  if (const auto value = config.find_number({"layer_norm_eps", "layer_norm_epsilon", "norm_epsilon"}))
    keys.number("attention.layer_norm_epsilon", *value);
}

void add_yarn(const HubConfig& rope, ModelKeys& keys) {
  keys.count("rope.scaling.original_context_length", rope.count("original_max_position_embeddings"));
  const NumberRow kNumbers[] = {{"rope.scaling.yarn_ext_factor", "extrapolation_factor"},
                                {"rope.scaling.yarn_attn_factor", "attn_factor"},
                                {"rope.scaling.yarn_attn_factor", "attention_factor"},
                                {"rope.scaling.yarn_beta_fast", "beta_fast"},
                                {"rope.scaling.yarn_beta_slow", "beta_slow"}};
  for (const NumberRow& row : kNumbers) {
    if (const auto value = rope.find_number(row.name)) keys.number(row.key, *value);
  }
}

void add_rope(const HubConfig& config, ModelKeys& keys) {
  const HubConfig rope = rope_of_full_layers(config);
  if (const auto base = rope.find_number("rope_theta")) keys.number("rope.freq_base", *base);
  if (const auto base = rope_of_window_layers(config).find_number("rope_theta"))
    keys.number("rope.freq_base_swa", *base);
  const std::string type = rope.find_text("rope_type").value_or("default");
  // What these need beyond a key, families make: factors of single frequencies.
  constexpr std::string_view kElsewhere[] = {"default", "llama3", "mrope", "proportional"};
  if (std::ranges::find(kElsewhere, type) != std::end(kElsewhere)) return;
  if (type == "su" || type == "longrope") return keys.text("rope.scaling.type", "longrope");
  if (type != "linear" && type != "yarn")
    rope.fail(Errc::unsupported, "rope_type",
              fmt::format("positions scaled by '{}' are not converted", type));
  keys.text("rope.scaling.type", type);
  keys.number("rope.scaling.factor", rope.number("factor"));
  if (type == "yarn") add_yarn(rope, keys);
}

// Pairs of a head that are turned by time, height, width and nothing.
void add_sections(const HubConfig& config, ModelKeys& keys) {
  constexpr std::size_t kSections = 4;
  std::vector<std::int64_t> sections = rope_of_full_layers(config).counts("mrope_section");
  if (sections.empty()) return;
  sections.resize(kSections);
  keys.counts("rope.dimension_sections", sections);
}

void add_gating(const HubConfig& config, ModelKeys& keys) {
  if (const auto norm = config.find_flag("norm_topk_prob")) keys.flag("expert_weights_norm", *norm);
  if (const auto scale = config.find_number("routed_scaling_factor"))
    keys.number("expert_weights_scale", *scale);
  const auto function = config.find_text("scoring_func");
  if (!function) return;
  if (*function != "softmax" && *function != "sigmoid")
    config.fail(Errc::unsupported, "scoring_func",
                fmt::format("experts chosen by '{}' are not converted", *function));
  keys.count("expert_gating_func", *function == "softmax" ? 1 : 2);
}

}  // namespace

void add_common_keys(const HubConfig& config, ModelKeys& keys) {
  add_sizes(config, keys);
  add_rope(config, keys);
  add_sections(config, keys);
  add_gating(config, keys);
}

}  // namespace longhand
