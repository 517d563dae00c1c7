#include "engine/position.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace longhand {
namespace {

void check_options(const RopeOptions& o) {
  const auto refuse = [](const char* option, auto value, const char* rule) {
    throw Error(Errc::range, fmt::format("{} is {}, must be {}", option, value, rule));
  };
  const auto given = [](float x) { return !(x < 0); };  // NaN counts as given, and is refused
  if (given(o.factor) && !(o.factor > 0 && o.factor <= 1e6f)) refuse("--rope-scale", o.factor, "in (0, 1e6]");
  if (given(o.base) && !(o.base > 0 && o.base <= 1e15f)) refuse("--rope-freq-base", o.base, "in (0, 1e15]");
  if (given(o.yarn_beta_fast) && !(o.yarn_beta_fast > 0 && o.yarn_beta_fast <= 1e6f))
    refuse("--yarn-beta-fast", o.yarn_beta_fast, "in (0, 1e6]");
  if (given(o.yarn_beta_slow) && !(o.yarn_beta_slow > 0 && o.yarn_beta_slow <= 1e6f))
    refuse("--yarn-beta-slow", o.yarn_beta_slow, "in (0, 1e6]");
  if (given(o.yarn_ext_factor) && !(o.yarn_ext_factor <= 1e6f))
    refuse("--yarn-ext-factor", o.yarn_ext_factor, "in [0, 1e6]");
  if (o.original_context == 0) refuse("--yarn-orig-ctx", 0, "at least 1");
}

RopeScalingRule rule_of(const RopeConfig& file, const RopeOptions& options) {
  constexpr RopeScalingRule kRules[] = {RopeScalingRule::none, RopeScalingRule::none, RopeScalingRule::linear,
                                        RopeScalingRule::yarn};
  if (options.scaling != RopeScaling::from_file) return kRules[int(options.scaling)];
  if (options.factor >= 0 && (file.rule == RopeScalingRule::none || file.rule == RopeScalingRule::longrope))
    return RopeScalingRule::linear;
  return file.rule;
}

// The magnitude mscale(f) = 1 + m ln f / 10 of the YaRN paper (arXiv 2309.00071, eq. 22).
double mscale(double factor, double m) { return factor <= 1 ? 1 : 1 + 0.1 * m * std::log(factor); }

std::span<const float> divisors(const Weights& w, const RopeConfig& rope, int context) {
  const std::vector<float>& longrope = context > rope.original_context ? w.rope_long : w.rope_short;
  return longrope.empty() ? w.rope_freqs : longrope;
}

}  // namespace

PositionPlan::PositionPlan(const ModelConfig& c, const Weights& w, const RopeOptions& o, int context)
    : rot_(c.rope.rot),
      scale_(c.attention_scale),
      temperature_scale_(c.temperature_scale),
      temperature_length_(c.temperature_length) {
  check_options(o);
  const RopeConfig& file = c.rope;
  has_local_ = std::any_of(c.layers.begin(), c.layers.end(), [](const LayerPlan& l) { return l.local_rope; });
  RopeParams p;
  p.rot = rot_;
  p.base = o.base >= 0 ? double(o.base) : file.base;
  p.original_context = o.original_context >= 0 ? o.original_context : file.original_context;
  p.beta_fast = o.yarn_beta_fast >= 0 ? double(o.yarn_beta_fast) : file.beta_fast;
  p.beta_slow = o.yarn_beta_slow >= 0 ? double(o.yarn_beta_slow) : file.beta_slow;
  p.attn_factor = file.attn_factor;
  p.divisors = divisors(w, file, context);
  const RopeScalingRule rule = rule_of(file, o);
  if (rule == RopeScalingRule::linear || rule == RopeScalingRule::yarn) {
    p.rule = rule == RopeScalingRule::linear ? RopeRule::linear : RopeRule::yarn;
    p.factor = o.factor >= 0 ? double(o.factor) : file.factor;
  }
  p.ext_factor = o.yarn_ext_factor >= 0 ? double(o.yarn_ext_factor) : file.ext_factor;
  // DeepSeek's variant divides the magnitude by that of another multiplier.
  if (p.rule == RopeRule::yarn && p.ext_factor != 0 && file.log_multiplier != 0)
    p.attn_factor /= mscale(p.factor, file.log_multiplier);
  global_ = make_rope_table(p);

  RopeParams local;
  local.rot = rot_;
  local.base = file.local_base;
  local_ = make_rope_table(local);
}

// The temperature rises with every temperature_length tokens, as Ministral 3 and Llama 4 were trained.
float PositionPlan::query_scale(int position) const noexcept {
  if (temperature_scale_ == 0) return scale_;
  return scale_ *
         (1 + temperature_scale_ * float(std::log(std::floor(double(position) / temperature_length_) + 1)));
}

}  // namespace longhand
