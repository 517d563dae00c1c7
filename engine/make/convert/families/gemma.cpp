// Gemma 1 to 4.
#include <fmt/format.h>
#include <cmath>

#include "engine/make/convert/changes.h"

namespace longhand {
namespace {

constexpr TensorRule kGemmaLayerRules[] = {
    {"input_layernorm", "attn_norm", plus_one},
    {"post_attention_layernorm", "ffn_norm", plus_one},
};

constexpr TensorRule kSandwichLayerRules[] = {
    {"input_layernorm", "attn_norm", plus_one},
    {"self_attn.q_norm", "attn_q_norm", plus_one},
    {"self_attn.k_norm", "attn_k_norm", plus_one},
    {"post_attention_layernorm", "post_attention_norm", plus_one},
    {"pre_feedforward_layernorm", "ffn_norm", plus_one},
    {"post_feedforward_layernorm", "post_ffw_norm", plus_one},
};

// The norms of Gemma 4 multiply by their weights.
constexpr TensorRule kGemma4LayerRules[] = {
    {"post_attention_layernorm", "post_attention_norm"},
    {"pre_feedforward_layernorm", "ffn_norm"},
    {"post_feedforward_layernorm", "post_ffw_norm"},
    {"pre_feedforward_layernorm_2", "pre_ffw_norm_2"},
    {"post_feedforward_layernorm_1", "post_ffw_norm_1"},
    {"post_feedforward_layernorm_2", "post_ffw_norm_2"},
    {"layer_scalar", "layer_output_scale.weight"},
    {"router.proj", "ffn_gate_inp"},
    {"router.scale", "ffn_gate_inp.scale"},
    {"router.per_expert_scale", "ffn_down_exps.scale"},
    {"experts.gate_up_proj", "ffn_gate_up_exps.weight"},
    {"experts.down_proj", "ffn_down_exps.weight"},
    {"per_layer_input_gate", "inp_gate"},
    {"per_layer_projection", "proj"},
    {"post_per_layer_input_norm", "post_norm"},
};

constexpr TensorRule kPlusOneRules[] = {{"norm", "output_norm", plus_one}};
constexpr TensorRule kGemma4Rules[] = {
    {"embed_tokens_per_layer", "per_layer_token_embd"},
    {"per_layer_model_projection", "per_layer_model_proj"},
    {"per_layer_projection_norm", "per_layer_proj_norm"},
};

void gemma_keys(const HubConfig& config, ModelKeys& keys) {
  keys.count("attention.head_count_kv",
             config.count_or("num_key_value_heads", config.count("num_attention_heads")));
}

// Readers know the largest models by their number of layers: their queries are scaled by the width of all
// heads together, those of others by the size of a head.
void check_query_scale(const HubConfig& config, std::int64_t most_layers) {
  const auto stated = config.find_number("query_pre_attn_scalar");
  if (!stated) return;
  const bool largest = config.count("num_hidden_layers") == most_layers;
  const double hidden = double(config.count("hidden_size")),
               heads = double(config.count("num_attention_heads"));
  const double computed = largest ? hidden / heads : double(head_size(config));
  if (std::abs(*stated - computed) > 1e-3 * computed)
    config.fail(Errc::unsupported, "query_pre_attn_scalar",
                fmt::format("{}, files of this architecture have {}", *stated, computed));
}

void gemma2_keys(const HubConfig& config, ModelKeys& keys) {
  gemma_keys(config, keys);
  constexpr std::int64_t kLayersOf27B = 46;
  check_query_scale(config, kLayersOf27B);
  keys.count("attention.sliding_window", config.count("sliding_window"));
  keys.number("attn_logit_softcapping", config.number("attn_logit_softcapping"));
  keys.number("final_logit_softcapping", config.number("final_logit_softcapping"));
}

// Every sixth layer sees everything: what readers assume where nothing is said.
void gemma3_keys(const HubConfig& config, ModelKeys& keys) {
  gemma_keys(config, keys);
  constexpr std::int64_t kLayersOf27B = 62;
  check_query_scale(config, kLayersOf27B);
  if (config.find_number("attn_logit_softcapping"))
    config.fail(Errc::unsupported, "attn_logit_softcapping", "Gemma 3 has none");
  if (const auto cap = config.find_number("final_logit_softcapping"))
    keys.number("final_logit_softcapping", *cap);
  constexpr std::int64_t kPeriod = 6;
  std::int64_t period = config.count_or("sliding_window_pattern", kPeriod);
  const std::vector<bool> local = layers_of_type(config, "sliding_attention");
  if (period == 1) return;
  keys.count("attention.sliding_window", config.count("sliding_window"));
  bool usual = period == kPeriod;
  for (std::size_t il = 0; il < local.size(); ++il) usual = usual && local[il] == ((il + 1) % kPeriod != 0);
  if (usual) return;
  if (local.empty()) return keys.count("attention.sliding_window_pattern", period);
  keys.flags("attention.sliding_window_pattern", local);
}

// Widths of heads and feed-forward networks, where layers that see everything differ from others.
void gemma4_layer_keys(const HubConfig& config, const std::vector<bool>& local, ModelKeys& keys) {
  const auto everywhere = config.find_count("num_global_key_value_heads");
  if (everywhere) {
    const std::int64_t in_window = config.count("num_key_value_heads");
    std::vector<std::int64_t> heads;
    for (const bool is_local : local) heads.push_back(is_local ? in_window : *everywhere);
    keys.counts("attention.head_count_kv", heads);
  }
  if (config.flag_or("use_double_wide_mlp", false)) {
    const std::int64_t width = config.count("intermediate_size");
    const std::size_t shared = local.size() - std::size_t(config.count_or("num_kv_shared_layers", 0));
    std::vector<std::int64_t> widths;
    for (std::size_t il = 0; il < local.size(); ++il) widths.push_back(il < shared ? width : 2 * width);
    keys.counts("feed_forward_length", widths);
  }
}

void gemma4_keys(const HubConfig& config, ModelKeys& keys) {
  gemma_keys(config, keys);
  const std::vector<bool> local = layers_of_type(config, "sliding_attention");
  if (std::int64_t(local.size()) != config.count("num_hidden_layers"))
    config.fail(Errc::range, "layer_types",
                fmt::format("{} layers, num_hidden_layers says otherwise", local.size()));
  keys.count("attention.sliding_window", config.count("sliding_window"));
  keys.flags("attention.sliding_window_pattern", local);
  keys.count("attention.shared_kv_layers", config.count_or("num_kv_shared_layers", 0));
  keys.count("embedding_length_per_layer_input", config.count_or("hidden_size_per_layer_input", 0));
  const std::int64_t in_window = config.count("head_dim"), wide = config.count("global_head_dim");
  keys.count("attention.key_length", wide);
  keys.count("attention.value_length", wide);
  keys.count("attention.key_length_swa", in_window);
  keys.count("attention.value_length_swa", in_window);
  keys.count("rope.dimension_count", wide);
  const double share = rotated_share(rope_of_window_layers(config), 1);
  keys.count("rope.dimension_count_swa", std::int64_t(double(in_window) * share));
  if (const auto cap = config.find_number("final_logit_softcapping"))
    keys.number("final_logit_softcapping", *cap);
  if (const auto width = config.find_count({"expert_intermediate_size", "moe_intermediate_size"}))
    keys.count("expert_feed_forward_length", *width);
  gemma4_layer_keys(config, local, keys);
}

// Layers that see everything rotate the first pairs of a head and leave the others, which a factor stops.
std::vector<ExtraTensor> gemma4_factors(const HubConfig& config) {
  constexpr float kStands = 1e30f;
  const std::int64_t size = config.count("global_head_dim");
  const double share = rotated_share(rope_of_full_layers(config), 0.25);
  std::vector<float> factors(std::size_t(size / 2), kStands);
  std::fill_n(factors.begin(), std::size_t(double(size) * share / 2), 1.0f);
  std::vector<ExtraTensor> tensors;
  tensors.push_back({"rope_freqs.weight", computed_rows(std::move(factors))});
  return tensors;
}

// What transformers assumes of Gemma 3, whose files leave out much.
constexpr DefaultValue kGemma3Defaults[] = {{"max_position_embeddings", 131072},
                                            {"num_attention_heads", 8},
                                            {"num_key_value_heads", 4},
                                            {"head_dim", 256},
                                            {"rms_norm_eps", 1e-6},
                                            {"sliding_window", 4096},
                                            {"rope_theta", 1e6},
                                            {"rope_local_base_freq", 10000},
                                            {"vocab_size", 262208}};

constexpr std::string_view kGemma[] = {"GemmaForCausalLM"};
constexpr std::string_view kGemma2[] = {"Gemma2ForCausalLM"};
constexpr std::string_view kGemma3[] = {"Gemma3ForCausalLM", "Gemma3ForConditionalGeneration"};
constexpr std::string_view kGemma4[] = {"Gemma4ForCausalLM", "Gemma4ForConditionalGeneration"};

constexpr Family kFamilies[] = {
    {.classes = kGemma,
     .architecture = "gemma",
     .layer_rules = kGemmaLayerRules,
     .rules = kPlusOneRules,
     .keys = gemma_keys,
     .ties_head = true},
    {.classes = kGemma2,
     .architecture = "gemma2",
     .layer_rules = kSandwichLayerRules,
     .rules = kPlusOneRules,
     .keys = gemma2_keys,
     .ties_head = true},
    {.classes = kGemma3,
     .architecture = "gemma3",
     .layer_rules = kSandwichLayerRules,
     .rules = kPlusOneRules,
     .keys = gemma3_keys,
     .defaults = kGemma3Defaults,
     .ties_head = true,
     .trims_embedding = true},
    {.classes = kGemma4,
     .architecture = "gemma4",
     .layer_rules = kGemma4LayerRules,
     .rules = kGemma4Rules,
     .keys = gemma4_keys,
     .extra = gemma4_factors,
     .ties_head = true,
     .escapes_spaces = true},
};

}  // namespace

std::span<const Family> gemma_converters() noexcept { return kFamilies; }

}  // namespace longhand
