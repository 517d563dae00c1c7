#include "loaders/config.h"

#include <fmt/format.h>

#include <cmath>
#include <string>

#include "ops/error.h"

namespace longhand {
namespace {

class Reader {
 public:
  explicit Reader(const Gguf& file) : file_(file) {}

  int integer(const KeySpec& key) const { return int(file_.require_int(key)); }
  int integer(const KeySpec& key, int otherwise) const { return int(file_.get_int(key).value_or(otherwise)); }
  float number(const KeySpec& key, double otherwise) const {
    return float(file_.get_float(key).value_or(otherwise));
  }
  bool has(const KeySpec& key) const { return file_.has(key); }
  const Gguf& file() const { return file_; }

  [[noreturn]] void refuse(const KeySpec& key, std::string_view why, Errc code = Errc::range) const {
    std::string name(key.name);
    if (name.starts_with("%s")) name = std::string(file_.architecture()) + name.substr(2);
    throw Error(code, fmt::format("{}: {} {}", file_.name(), name, why));
  }

  // One value per layer, from a scalar or an array of at least `layers`.
  std::vector<int> per_layer(const KeySpec& key, int layers, int otherwise) const {
    const std::vector<std::int64_t> values = file_.get_ints(key);
    if (values.empty()) return std::vector<int>(std::size_t(layers), otherwise);
    if (values.size() == 1) return std::vector<int>(std::size_t(layers), int(values[0]));
    if (values.size() < std::size_t(layers)) {
      refuse(key, fmt::format("has {} values, must have one for each of {} layers", values.size(), layers));
    }
    std::vector<int> result;
    for (int i = 0; i < layers; ++i) result.push_back(int(values[std::size_t(i)]));
    return result;
  }

 private:
  const Gguf& file_;
};

void read_heads(const Reader& r, ModelConfig& c) {
  const int n = int(c.layers.size());
  const auto heads = r.per_layer(key::head_count, n, 0);
  const auto ff = r.per_layer(key::feed_forward_length, n, 0);
  if (!r.has(key::head_count)) r.refuse(key::head_count, "is missing");
  for (int il = 0; il < n; ++il) {
    LayerPlan& layer = c.layers[std::size_t(il)];
    layer.heads = heads[std::size_t(il)];
    layer.ff = ff[std::size_t(il)];
    if (layer.heads < 1)
      r.refuse(key::head_count, fmt::format("is {} for layer {}, must be at least 1", layer.heads, il));
  }
  const auto kv = r.per_layer(key::head_count_kv, n, 0);
  const bool has_kv = r.has(key::head_count_kv);
  for (int il = 0; il < n; ++il) {
    LayerPlan& layer = c.layers[std::size_t(il)];
    layer.kv_heads = has_kv ? kv[std::size_t(il)] : layer.heads;
    if (layer.kv_heads < 1 || layer.heads % layer.kv_heads != 0) {
      r.refuse(key::head_count_kv,
               fmt::format("is {} for layer {}, must divide the {} heads", layer.kv_heads, il, layer.heads));
    }
  }
  const int default_dim = c.hidden / c.layers[0].heads;
  if (!r.has(key::key_length) && default_dim * c.layers[0].heads != c.hidden) {
    r.refuse(key::head_count,
             fmt::format("is {}, must divide embedding_length {}", c.layers[0].heads, c.hidden));
  }
  c.head_dim = r.integer(key::key_length, default_dim);
  c.value_dim = r.integer(key::value_length,
                          r.has(key::key_length) && !r.has(key::value_length) ? c.head_dim : default_dim);
  for (const LayerPlan& layer : c.layers) {
    if (std::int64_t{layer.heads} * std::max(c.head_dim, c.value_dim) > (1 << 22)) {
      r.refuse(key::key_length, fmt::format("is {}: {} heads of it exceed 2^22", c.head_dim, layer.heads));
    }
  }
}

void read_windows(const Reader& r, ModelConfig& c) {
  const WindowSpec& spec = c.arch->window;
  if (spec.period == 0) return;
  const int width = r.integer(key::sliding_window, spec.width);
  if (width == 0) return;
  const std::vector<std::int64_t> pattern = r.file().get_ints(key::sliding_pattern);
  if (pattern.size() > 1 && pattern.size() < c.layers.size()) {
    r.refuse(key::sliding_pattern,
             fmt::format("has {} values, must be one number or one for each of {} layers", pattern.size(),
                         c.layers.size()));
  }
  const std::int64_t period = pattern.size() == 1 ? pattern[0] : spec.period;
  for (std::size_t il = 0; il < c.layers.size(); ++il) {
    LayerPlan& layer = c.layers[il];
    const bool local =
        pattern.size() > 1 ? pattern[il] != 0 : period == 0 || std::int64_t(il) % period < period - 1;
    layer.window = local ? width : 0;
    layer.local_rope = local && spec.local_rope;
    if (!local && spec.rope_only_local) layer.rope = false;
  }
}

RopeScalingRule parse_rule(const Reader& r) {
  const auto type = r.file().get_string(key::rope_scaling_type);
  if (!type) return RopeScalingRule::linear;
  if (*type == "none") return RopeScalingRule::none;
  if (*type == "linear") return RopeScalingRule::linear;
  if (*type == "yarn") return RopeScalingRule::yarn;
  if (*type == "longrope" || *type == "su") return RopeScalingRule::longrope;
  throw Error(Errc::unsupported,
              fmt::format("{}: rope.scaling.type is '{}', must be none, linear, yarn or longrope",
                          r.file().name(), *type));
}

void read_rope(const Reader& r, ModelConfig& c) {
  RopeConfig& rope = c.rope;
  rope.rot = r.integer(key::rope_dimensions, c.head_dim);
  if (rope.rot % 2 != 0 || rope.rot > c.head_dim) {
    r.refuse(key::rope_dimensions,
             fmt::format("is {}, must be even and at most the head size {}", rope.rot, c.head_dim));
  }
  rope.base = r.number(key::rope_base, 10000);
  rope.local_base = r.number(key::rope_base_swa, 10000);
  rope.rule = parse_rule(r);
  rope.factor = r.number(key::rope_scaling_factor, r.number(key::rope_scale_linear, 1));
  if (rope.factor == 0) rope.factor = 1;
  rope.original_context = r.integer(key::rope_original, c.trained_context);
  if (rope.original_context == 0) rope.original_context = c.trained_context;
  // Files with yarn state its magnitude again as yarn_attn_factor; the rule already computes it
  // from the factor.
  const float yarn_attn_factor = rope.rule == RopeScalingRule::yarn ? 1 : r.number(key::yarn_attn_factor, 1);
  rope.attn_factor = double(r.number(key::rope_attn_factor, 1)) * double(yarn_attn_factor);
  rope.beta_fast = r.number(key::yarn_beta_fast, 32);
  rope.beta_slow = r.number(key::yarn_beta_slow, 1);
  const double ext = r.number(key::yarn_ext_factor, -1);
  rope.ext_factor = ext < 0 ? 1 : ext;
  rope.log_multiplier = r.number(key::yarn_log_multiplier, 0);
}

void read_attention(const Reader& r, AttentionConfig& a) {
  a.key_norm = r.file().get_bool(key::key_norm).value_or(false);
  a.query_norm = r.file().get_bool(key::query_norm).value_or(false);
  const std::string_view rule = r.file().get_string(key::scale_rule).value_or("");
  if (rule == "log_n") {
    a.scale_rule = ScaleRule::log_n;
    a.scale_coefficient = 1 / std::log(512.0);
  } else if (rule == "sqrt_log_n") {
    a.scale_rule = ScaleRule::sqrt_log_n;
    a.scale_coefficient = 0.84;
  } else if (!rule.empty() && rule != "none") {
    r.refuse(key::scale_rule, fmt::format("is '{}', must be none, log_n or sqrt_log_n", rule));
  }
  a.scale_coefficient = r.file().get_float(key::scale_coefficient).value_or(a.scale_coefficient);
  a.memory = std::string(r.file().get_string(key::memory).value_or(""));
  a.window = r.integer(key::memory_window, 0);
  a.sinks = r.integer(key::memory_sinks, -1);
  a.far = r.integer(key::memory_far, 0);
  a.leak = r.number(key::memory_leak, 0);
  a.quantize_window = r.file().get_bool(key::vq_quantize_window).value_or(false);
  constexpr std::int64_t kMostCodes = 1 << 16;
  std::int64_t codes = 1;
  for (const std::int64_t level : r.file().get_ints(key::fsq_levels)) {
    a.fsq_levels.push_back(int(level));
    codes *= level;
    if (codes > kMostCodes) r.refuse(key::fsq_levels, fmt::format("makes more than {} codes", kMostCodes));
  }
}

void read_experts(const Reader& r, ModelConfig& c) {
  c.experts = r.integer(key::expert_count, 0);
  c.experts_used = r.integer(key::expert_used_count, 0);
  if (c.experts == 0 && c.experts_used > 0)
    r.refuse(key::expert_used_count, "is set, but there are no experts");
  if (c.experts == 0) return;
  if (c.experts_used < 1 || c.experts_used > c.experts) {
    r.refuse(key::expert_used_count, fmt::format("is {}, must be 1..{}", c.experts_used, c.experts));
  }
  // Old files leave the width of an expert to be guessed from the dense width.
  const int dense = c.layers[0].ff;
  c.expert_ff = r.integer(key::expert_ff_length, 0);
  c.shared_ff = r.integer(key::expert_shared_ff, 0);
  if (c.expert_ff == 0) c.expert_ff = dense;
  c.normalise_experts = r.file().get_bool(key::expert_norm).value_or(c.arch->experts.normalise);
  constexpr Gating kGatings[] = {Gating::softmax, Gating::softmax, Gating::sigmoid, Gating::softmax_selected};
  const int gating = r.integer(key::expert_gating, 0);
  if (gating > 3) r.refuse(key::expert_gating, fmt::format("is {}, must be 0..3", gating));
  c.gating = gating == 0 ? c.arch->experts.gating : kGatings[gating];
  const float scale = r.number(key::expert_scale, 0);
  c.expert_scale = scale == 0 ? 1 : scale;
}

// What changes the results of a model and no architecture here has; a value of 0 switches it off.
void refuse_unknown_maths(const Reader& r) {
  for (const KeySpec* key : {&key::clamp_kqv, &key::max_alibi_bias}) {
    const double value = r.file().get_float(*key).value_or(0);
    if (value != 0)
      r.refuse(*key, fmt::format("is {}, which is not computed by this version", value), Errc::unsupported);
  }
}

}  // namespace

ModelConfig load_config(const Gguf& file) {
  const Reader r(file);
  ModelConfig c;
  const std::string_view name = file.require_string(key::architecture);
  c.arch = find_arch(name);
  if (c.arch == nullptr) {
    throw Error(Errc::unsupported, fmt::format("{}: architecture '{}' is not one of those supported: {}",
                                               file.name(), name, known_archs()));
  }
  refuse_unknown_maths(r);
  c.hidden = r.integer(key::embedding_length);
  c.trained_context = r.integer(key::context_length);
  const int blocks = r.integer(key::block_count);
  c.skipped_layers = r.integer(key::nextn_layers, 0);
  if (c.skipped_layers >= blocks) {
    r.refuse(key::nextn_layers,
             fmt::format("is {}, must be less than block_count {}", c.skipped_layers, blocks));
  }
  c.layers.resize(std::size_t(blocks - c.skipped_layers));
  read_heads(r, c);
  const KeySpec& epsilon = c.arch->norm == Norm::rms ? key::rms_epsilon : key::norm_epsilon;
  c.norm_epsilon = float(file.require_float(epsilon));
  c.attention_scale = r.number(key::attention_scale, 0);
  if (c.attention_scale == 0) c.attention_scale = 1.0f / std::sqrt(float(c.head_dim));
  c.attention_softcap = r.number(key::attention_softcap, double(c.arch->attention_softcap));
  c.final_softcap = r.number(key::final_softcap, double(c.arch->final_softcap));
  c.embedding_scale = c.arch->sqrt_embedding ? std::sqrt(float(c.hidden)) : r.number(key::embedding_scale, 0);
  c.residual_scale = r.number(key::residual_scale, 0);
  c.logit_scale = r.number(key::logit_scale, 0);
  if (c.arch->logits_divided && c.logit_scale != 0) c.logit_scale = 1.0f / c.logit_scale;
  c.temperature_scale = r.number(key::temperature_scale, 0);
  read_rope(r, c);
  read_attention(r, c.attention);
  c.temperature_length = r.integer(key::temperature_length, 0);
  if (c.temperature_length == 0) c.temperature_length = c.rope.original_context;
  read_windows(r, c);
  for (std::size_t il = 0; il < c.layers.size(); ++il) {
    LayerPlan& layer = c.layers[il];
    if (c.arch->rope == Rope::none) layer.rope = false;
    if (c.arch->no_rope_every > 0 && (int(il) + 1) % c.arch->no_rope_every == 0) layer.rope = false;
  }
  read_experts(r, c);
  if (c.arch->quirk != nullptr) c.arch->quirk(c);
  return c;
}

}  // namespace longhand
