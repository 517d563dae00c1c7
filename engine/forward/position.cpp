#include "engine/forward/position.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "engine/types/options.h"
#include "ops/error.h"

namespace longhand {
namespace {

// By RopeScaling, from none on.
constexpr RopeRule kRules[] = {RopeRule::none,      RopeRule::linear,    RopeRule::ntk,
                               RopeRule::ntk_fixed, RopeRule::ntk_mixed, RopeRule::yarn};
static_assert(std::size(kRules) == std::size_t(RopeScaling::yarn));

RopeRule rule_of(RopeRule of_file, const RopeOptions& o) {
  if (o.scaling != RopeScaling::from_file) return kRules[int(o.scaling) - 1];
  return o.factor >= 0 || o.auto_factor ? RopeRule::linear : of_file;
}

// Options that would be without effect under this rule are a mistake somebody wants to know of.
void check_rule(const RopeOptions& o, RopeRule rule) {
  if (o.scaling == RopeScaling::none && (o.auto_factor || (o.factor >= 0 && o.factor != 1)))
    throw Error(Errc::range, "rope.factor means nothing with rope.scaling none");
  if (rule == RopeRule::yarn) return;
  for (const auto member :
       {&RopeOptions::yarn_beta_fast, &RopeOptions::yarn_beta_slow, &RopeOptions::yarn_ext_factor}) {
    if (o.*member >= 0)
      throw Error(Errc::range, fmt::format("{} is for rope.scaling yarn, which is not in force here",
                                           find_option(kRopeOptions, member).name));
  }
}

// Context over trained context where the factor is to be found.
double factor_of(const RopeConfig& file, const RopeOptions& o, int original, int context) {
  if (o.factor >= 0) return double(o.factor);
  const bool needed = o.scaling != RopeScaling::from_file && file.factor == 1;
  return o.auto_factor || needed ? std::max(1.0, double(context) / original) : file.factor;
}

// The magnitude mscale(f) = 1 + m ln f / 10 of the YaRN paper (arXiv 2309.00071, eq. 22).
double mscale(double factor, double m) { return factor <= 1 ? 1 : 1 + 0.1 * m * std::log(factor); }

std::span<const float> divisors(const Weights& w, const RopeConfig& rope, int context) {
  const std::vector<float>& longrope = context > rope.original_context ? w.rope_long : w.rope_short;
  return longrope.empty() ? w.rope_freqs : longrope;
}

RopeParams params_of(const RopeConfig& file, const RopeOptions& o, const Weights& w, int context) {
  RopeParams p = rope_params(file);
  p.divisors = divisors(w, file, context);
  p.rule = rule_of(p.rule, o);
  if (o.base >= 0) p.base = double(o.base);
  if (o.original_context >= 0) p.original_context = o.original_context;
  if (o.yarn_beta_fast >= 0) p.beta_fast = double(o.yarn_beta_fast);
  if (o.yarn_beta_slow >= 0) p.beta_slow = double(o.yarn_beta_slow);
  if (o.yarn_ext_factor >= 0) p.ext_factor = double(o.yarn_ext_factor);
  p.factor = factor_of(file, o, p.original_context, context);
  // DeepSeek's variant divides the magnitude by that of another multiplier.
  if (p.rule == RopeRule::yarn && p.ext_factor != 0 && file.log_multiplier != 0)
    p.attn_factor /= mscale(p.factor, file.log_multiplier);
  return p;
}

// Pairs that no number of a text's positions turns.
void stop_fourth_section(const RopeConfig& rope, RopeTable& table) {
  const int turned = rope.sections[0] + rope.sections[1] + rope.sections[2], all = turned + rope.sections[3];
  for (std::size_t m = 0; m < table.inv_freq.size(); ++m) {
    if (int(m) % all >= turned) table.inv_freq[m] = 0;
  }
}

// A norm after the rotation takes its magnitude away again.
bool norms_turned_heads(const Weights& w) {
  bool found = false;
  for (const LayerPlan& layer : w.layers) {
    for_each_attention(
        layer, [&](const AttentionCore& core) { found = found || core.qk_norm == QkNorm::per_head_turned; });
  }
  return found;
}

// Which number of a position turns each of `pairs`. Beyond its section a pair follows time, as in text.
std::vector<std::int32_t TokenPosition::*> sections_of(const RopeConfig& rope, int pairs) {
  const auto& [t, h, w, rest] = rope.sections;
  const int all = t + h + w + rest;
  std::vector<std::int32_t TokenPosition::*> numbers;
  for (int m = 0; m < pairs && all > 0; ++m) {
    const int i = m % all;
    const bool turns = rope.sections_interleaved;
    const bool height = turns ? i % 3 == 1 && i < 3 * h : i >= t && i < t + h;
    const bool width = turns ? i % 3 == 2 && i < 3 * w : i >= t + h && i < t + h + w;
    numbers.push_back(height ? &TokenPosition::h : width ? &TokenPosition::w : &TokenPosition::t);
  }
  return numbers;
}

RopeOptions without_scaling(RopeOptions o) {
  o.scaling = RopeScaling::from_file;
  o.factor = -1;
  o.auto_factor = false;
  return o;
}

// 0 where attention does not grow sharper by option.
double log_of_length(const ModelConfig& c, const AttentionOptions& o) {
  if (o.log_n < 0) return 0;
  if (c.attention.scale_rule != ScaleRule::constant) {
    throw Error(Errc::range,
                "attention.log_n cannot be added: the file states a scale_rule of its own, which it was "
                "trained with");
  }
  const int length = o.log_n > 0 ? o.log_n : c.rope.original_context;
  if (length < 2) throw Error(Errc::range, fmt::format("attention.log_n is {}, must be at least 2", length));
  return std::log(double(length));
}

}  // namespace

RopeParams rope_params(const RopeConfig& file) noexcept {
  RopeParams p;
  p.rot = file.rot;
  p.base = file.base;
  if (file.rule == RopeScalingRule::linear) p.rule = RopeRule::linear;
  if (file.rule == RopeScalingRule::yarn) p.rule = RopeRule::yarn;
  p.factor = file.factor;
  p.original_context = file.original_context;
  p.beta_fast = file.beta_fast;
  p.beta_slow = file.beta_slow;
  p.ext_factor = file.ext_factor;
  p.attn_factor = file.attn_factor;
  return p;
}

PositionPlan::PositionPlan(const ModelConfig& c, const Weights& w, const SessionOptions& options,
                           const FarPositions& far, int context)
    : rot_(c.rope.rot),
      local_rot_(c.rope.local_rot),
      sections_(sections_of(c.rope, std::max(rot_, local_rot_) / 2)),
      far_(far),
      temperature_scale_(c.temperature_scale),
      temperature_length_(c.temperature_length),
      temperature_offset_(c.temperature_offset),
      rule_(c.attention.scale_rule),
      coefficient_(c.attention.scale_coefficient),
      log_n_(log_of_length(c, options.attention)) {
  const RopeOptions& o = options.rope;
  check_options(kRopeOptions, o);
  check_rule(o, rule_of(rope_params(c.rope).rule, o));
  global_ = make_rope_table(params_of(c.rope, o, w, context));

  // Layers with a window of their own keep what the file gave them.
  const auto own =
      std::find_if(c.layers.begin(), c.layers.end(), [](const LayerShape& l) { return l.window > 0; });
  if (own != c.layers.end() && own->local_rope) {
    local_ = make_rope_table({.rot = local_rot_, .base = c.rope.local_base});
  } else {
    local_ = make_rope_table(params_of(c.rope, without_scaling(o), w, context));
  }
  for (RopeTable* table : {&global_, &local_}) {
    if (c.rope.fourth_stands) stop_fourth_section(c.rope, *table);
    if (c.rope.keeps_length || norms_turned_heads(w)) table->magnitude = 1;
  }
  has_local_ =
      own != c.layers.end() && (local_.inv_freq != global_.inv_freq || local_.magnitude != global_.magnitude);

  // Where far keys are not turned, the query carries their magnitude too.
  far_query_ = global_;
  if (far_.step == 0) far_query_.magnitude *= global_.magnitude;
}

bool PositionPlan::has(Rotation which) const noexcept {
  const bool there[kRotations] = {true, has_local_, far_.used, far_.used && far_.step != 0};
  return there[int(which)];
}

void PositionPlan::angles(Rotation which, int position, float* cos, float* sin) const noexcept {
  const RopeTable* tables[kRotations] = {&global_, &local_, &far_query_, &global_};
  const double i = position, at[kRotations] = {i, i, far_.start + far_.step * i, far_.step * i};
  rope_angles(*tables[int(which)], at[int(which)], cos, sin);
}

void PositionPlan::angles(Rotation which, const TokenPosition& position, float* cos,
                          float* sin) const noexcept {
  const RopeTable& table = which == Rotation::local ? local_ : global_;
  for (int m = 0; m < int(table.inv_freq.size()); ++m) {
    const std::int32_t number = sections_.empty() ? position.t : position.*sections_[std::size_t(m)];
    rope_angle(table, m, number, cos + m, sin + m);
  }
}

void PositionPlan::angles_back(Rotation which, int distance, float* cos, float* sin) const noexcept {
  rope_angles({which == Rotation::local ? local_.inv_freq : global_.inv_freq, 1}, -distance, cos, sin);
}

float PositionPlan::query_scale(const AttentionCore& core, int position) const noexcept {
  const double n = position + 1.0;
  double gain = 1;
  if (rule_ == ScaleRule::log_n) gain = coefficient_ * std::log(n);
  if (rule_ == ScaleRule::sqrt_log_n) gain = coefficient_ * std::sqrt(std::log(n));
  if (log_n_ > 0 && core.window == 0) gain = std::max(1.0, std::log(n) / log_n_);
  const float scale = float(double(core.scale) * gain);
  if (temperature_scale_ == 0 || !core.tempered) return scale;
  // The temperature rises with every temperature_length tokens, as Ministral 3 and Llama 4 were trained.
  const double steps = std::floor((double(position) + temperature_offset_) / temperature_length_);
  return scale * (1 + temperature_scale_ * float(std::log(steps + 1)));
}

}  // namespace longhand
