// Qwen 2, 2.5, 3, their mixtures of experts, Qwen3-Next and Qwen3.5.
#include <fmt/format.h>

#include "engine/make/convert/changes.h"

namespace longhand {
namespace {

void experts_keys(const HubConfig& config, ModelKeys& keys) {
  if (const auto width = config.find_count("moe_intermediate_size"))
    keys.count("expert_feed_forward_length", *width);
  if (const auto width = config.find_count("shared_expert_intermediate_size"))
    keys.count("expert_shared_feed_forward_length", *width);
}

/// Sizes of linear attention: heads of values share the keys of a group.
struct LinearSizes {
  explicit LinearSizes(const HubConfig& config)
      : key_heads(std::uint64_t(config.count("linear_num_key_heads"))),
        value_heads(std::uint64_t(config.count("linear_num_value_heads"))),
        key_size(std::uint64_t(config.count("linear_key_head_dim"))),
        value_size(std::uint64_t(config.count("linear_value_head_dim"))) {
    if (key_heads == 0 || value_heads == 0 || value_heads % key_heads != 0) {
      config.fail(Errc::range, "linear_num_value_heads",
                  fmt::format("{}, must be a multiple of linear_num_key_heads, {}", value_heads, key_heads));
    }
  }
  std::uint64_t per_key() const { return value_heads / key_heads; }
  std::uint64_t keys() const { return key_heads * key_size; }
  std::uint64_t values() const { return value_heads * value_size; }

  std::uint64_t key_heads, value_heads, key_size, value_size;
};

void linear_keys(const HubConfig& config, ModelKeys& keys) {
  experts_keys(config, keys);
  const LinearSizes sizes(config);
  keys.count("ssm.conv_kernel", config.count("linear_conv_kernel_dim"));
  keys.count("ssm.state_size", std::int64_t(sizes.key_size));
  keys.count("ssm.group_count", std::int64_t(sizes.key_heads));
  keys.count("ssm.time_step_rank", std::int64_t(sizes.value_heads));
  keys.count("ssm.inner_size", std::int64_t(sizes.values()));
  keys.count("full_attention_interval", config.count_or("full_attention_interval", 4));
  const double share = rotated_share(rope_of_full_layers(config), 0.25);
  keys.count("rope.dimension_count", std::int64_t(double(head_size(config)) * share));
}

// Positions of pictures have three numbers; these are the sections of the published models.
void qwen35_keys(const HubConfig& config, ModelKeys& keys) {
  linear_keys(config, keys);
  if (!rope_of_full_layers(config).has("mrope_section"))
    keys.counts("rope.dimension_sections", {11, 11, 10, 0});
}

// One projection makes of each key head its query, key, values and gates; they come apart.
std::vector<std::uint64_t> places_in_qkvz(const LinearSizes& sizes, std::uint64_t offset,
                                          std::uint64_t count) {
  const std::uint64_t group = 2 * sizes.key_size + 2 * sizes.per_key() * sizes.value_size;
  std::vector<std::uint64_t> places;
  for (std::uint64_t head = 0; head < sizes.key_heads; ++head) {
    for (std::uint64_t i = 0; i < count; ++i) places.push_back(head * group + offset + i);
  }
  return places;
}

// Before lists are made that are as long as the numbers of config.json say.
LinearSizes sizes_of_qkvz(const TensorRows& rows, const RuleContext& at) {
  const LinearSizes sizes(at.config);
  need_outputs(rows, std::int64_t(2 * (sizes.keys() + sizes.values())), at);
  return sizes;
}

TensorRows next_qkv(TensorRows rows, const RuleContext& at) {
  const LinearSizes sizes = sizes_of_qkvz(rows, at);
  std::vector<std::uint64_t> places = places_in_qkvz(sizes, 0, sizes.key_size);
  const auto keys = places_in_qkvz(sizes, sizes.key_size, sizes.key_size);
  const auto values = places_in_qkvz(sizes, 2 * sizes.key_size, sizes.per_key() * sizes.value_size);
  places.insert(places.end(), keys.begin(), keys.end());
  places.insert(places.end(), values.begin(), values.end());
  return with_outputs(std::move(rows), std::move(places));
}

TensorRows next_gate(TensorRows rows, const RuleContext& at) {
  const LinearSizes sizes = sizes_of_qkvz(rows, at);
  const std::uint64_t values = sizes.per_key() * sizes.value_size;
  return with_outputs(std::move(rows), places_in_qkvz(sizes, 2 * sizes.key_size + values, values));
}

// Where value heads stand group by group, the new order takes the first head of every group, then the second.
std::vector<std::uint64_t> heads_in_turns(const LinearSizes& sizes, std::uint64_t offset,
                                          std::uint64_t size) {
  std::vector<std::uint64_t> places = steps(0, offset);
  for (std::uint64_t i = 0; i < sizes.per_key(); ++i) {
    for (std::uint64_t group = 0; group < sizes.key_heads; ++group) {
      const std::uint64_t head = group * sizes.per_key() + i;
      for (std::uint64_t j = 0; j < size; ++j) places.push_back(offset + head * size + j);
    }
  }
  return places;
}

TensorRows values_in_turns(TensorRows rows, const RuleContext& at) {
  const LinearSizes sizes(at.config);
  need_outputs(rows, std::int64_t(2 * sizes.keys() + sizes.values()), at);
  return with_outputs(std::move(rows), heads_in_turns(sizes, 2 * sizes.keys(), sizes.value_size));
}

TensorRows taps_in_turns(TensorRows rows, const RuleContext& at) {
  return values_in_turns(without_middle(std::move(rows), at), at);
}

TensorRows gates_in_turns(TensorRows rows, const RuleContext& at) {
  const LinearSizes sizes(at.config);
  need_outputs(rows, std::int64_t(sizes.values()), at);
  return with_outputs(std::move(rows), heads_in_turns(sizes, 0, sizes.value_size));
}

TensorRows one_a_head_in_turns(TensorRows rows, const RuleContext& at) {
  const LinearSizes sizes(at.config);
  need_outputs(rows, std::int64_t(sizes.value_heads), at);
  return with_outputs(std::move(rows), heads_in_turns(sizes, 0, 1));
}

TensorRows rates_in_turns(TensorRows rows, const RuleContext& at) {
  return minus_exp(one_a_head_in_turns(std::move(rows), at), at);
}

TensorRows inputs_in_turns(TensorRows rows, const RuleContext& at) {
  const LinearSizes sizes(at.config);
  if (rows.cols() != sizes.values()) {
    throw Error(Errc::shape, fmt::format("tensor '{}': {} inputs, config.json asks for {}", at.tensor.name,
                                         rows.cols(), sizes.values()));
  }
  return with_columns(std::move(rows), heads_in_turns(sizes, 0, sizes.value_size));
}

// Norms multiply by 1 + weight, but for the one behind linear attention.
constexpr TensorRule kNextLayerRules[] = {
    {"input_layernorm", "attn_norm", plus_one},
    {"post_attention_layernorm", "post_attention_norm", plus_one},
    {"self_attn.q_norm", "attn_q_norm", plus_one},
    {"self_attn.k_norm", "attn_k_norm", plus_one},
    {"linear_attn.norm", "ssm_norm"},
    {"linear_attn.A_log", "ssm_a", minus_exp},
    {"linear_attn.dt_bias", "ssm_dt.bias"},
    {"linear_attn.conv1d", "ssm_conv1d", without_middle},
    {"linear_attn.in_proj_qkvz", "attn_qkv", next_qkv},
    {"linear_attn.in_proj_qkvz", "attn_gate", next_gate},
    {"linear_attn.in_proj_ba", "ssm_ba"},
    {"linear_attn.out_proj", "ssm_out"},
};

constexpr TensorRule kQwen35LayerRules[] = {
    {"input_layernorm", "attn_norm", plus_one},
    {"post_attention_layernorm", "post_attention_norm", plus_one},
    {"self_attn.q_norm", "attn_q_norm", plus_one},
    {"self_attn.k_norm", "attn_k_norm", plus_one},
    {"linear_attn.norm", "ssm_norm"},
    {"linear_attn.A_log", "ssm_a", rates_in_turns},
    {"linear_attn.dt_bias", "ssm_dt.bias", one_a_head_in_turns},
    {"linear_attn.conv1d", "ssm_conv1d", taps_in_turns},
    {"linear_attn.in_proj_qkv", "attn_qkv", values_in_turns},
    {"linear_attn.in_proj_z", "attn_gate", gates_in_turns},
    {"linear_attn.in_proj_a", "ssm_alpha", one_a_head_in_turns},
    {"linear_attn.in_proj_b", "ssm_beta", one_a_head_in_turns},
    {"linear_attn.out_proj", "ssm_out", inputs_in_turns},
};

constexpr TensorRule kPlusOneRules[] = {{"norm", "output_norm", plus_one}};

constexpr std::string_view kQwen2[] = {"Qwen2ForCausalLM"};
constexpr std::string_view kQwen2Moe[] = {"Qwen2MoeForCausalLM"};
constexpr std::string_view kQwen3[] = {"Qwen3ForCausalLM"};
constexpr std::string_view kQwen3Moe[] = {"Qwen3MoeForCausalLM"};
constexpr std::string_view kQwen3Next[] = {"Qwen3NextForCausalLM"};
constexpr std::string_view kQwen35[] = {"Qwen3_5ForCausalLM", "Qwen3_5ForConditionalGeneration"};
constexpr std::string_view kQwen35Moe[] = {"Qwen3_5MoeForCausalLM", "Qwen3_5MoeForConditionalGeneration"};

constexpr Family kFamilies[] = {
    {.classes = kQwen2, .architecture = "qwen2"},
    {.classes = kQwen2Moe, .architecture = "qwen2moe", .keys = experts_keys},
    {.classes = kQwen3, .architecture = "qwen3"},
    {.classes = kQwen3Moe, .architecture = "qwen3moe", .keys = experts_keys},
    {.classes = kQwen3Next,
     .architecture = "qwen3next",
     .layer_rules = kNextLayerRules,
     .rules = kPlusOneRules,
     .keys = linear_keys},
    {.classes = kQwen35,
     .architecture = "qwen35",
     .layer_rules = kQwen35LayerRules,
     .rules = kPlusOneRules,
     .keys = qwen35_keys},
    {.classes = kQwen35Moe,
     .architecture = "qwen35moe",
     .layer_rules = kQwen35LayerRules,
     .rules = kPlusOneRules,
     .keys = qwen35_keys},
};

}  // namespace

std::span<const Family> qwen_converters() noexcept { return kFamilies; }

}  // namespace longhand
