#include "ops/rope_table.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>

namespace longhand {
namespace {

// Dimension whose wave turns `turns` times within the original context.
double correction_dimension(const RopeParams& p, double turns) {
  return p.rot * std::log(p.original_context / (turns * 2 * std::numbers::pi)) / (2 * std::log(p.base));
}

// Share of the unscaled frequency that pair m keeps under yarn: 1 for fast pairs, 0 for slow ones.
double yarn_ramp(const RopeParams& p, int m) {
  const double low = std::max(0.0, std::floor(correction_dimension(p, p.beta_fast)));
  const double high = std::min(p.rot - 1.0, std::ceil(correction_dimension(p, p.beta_slow)));
  return 1 - std::clamp((m - low) / std::max(0.001, high - low), 0.0, 1.0);
}

double plain(const RopeParams& p, int m) { return std::pow(p.base, -2.0 * m / p.rot); }
double linear(const RopeParams& p, int m) { return plain(p, m) / p.factor; }
double ntk(const RopeParams& p, int m) {
  return std::pow(p.base * std::pow(p.factor, p.rot / (p.rot - 2.0)), -2.0 * m / p.rot);
}
double ntk_fixed(const RopeParams& p, int m) {
  return plain(p, m) * std::pow(p.factor, -2.0 * (m + 1) / p.rot);
}
double ntk_mixed(const RopeParams& p, int m) {
  constexpr double kGrowth = 0.625;
  const double a = std::log(p.factor) / std::pow(p.rot / 2, kGrowth);
  return plain(p, m) * std::exp(-a * std::pow(m + 1, kGrowth));
}
double yarn(const RopeParams& p, int m) {
  const double keep = yarn_ramp(p, m) * p.ext_factor;
  return linear(p, m) * (1 - keep) + plain(p, m) * keep;
}

// By RopeRule: the frequency of pair m.
constexpr double (*kFrequency[])(const RopeParams&, int m) = {plain, linear, ntk, ntk_fixed, ntk_mixed, yarn};
static_assert(std::size(kFrequency) == std::size_t(RopeRule::yarn) + 1);

}  // namespace

RopeTable make_rope_table(const RopeParams& p) {
  RopeTable table;
  for (int m = 0; m < p.rot / 2; ++m) {
    double scaled = kFrequency[int(p.rule)](p, m);
    if (!p.divisors.empty()) scaled /= p.divisors[std::size_t(m)];
    table.inv_freq.push_back(scaled);
  }
  table.magnitude = p.attn_factor;
  if (p.rule == RopeRule::yarn && p.ext_factor != 0) table.magnitude *= 1 + 0.1 * std::log(p.factor);
  return table;
}

void rope_angles(const RopeTable& table, double position, float* cos, float* sin) noexcept {
  for (int m = 0; m < int(table.inv_freq.size()); ++m) rope_angle(table, m, position, cos + m, sin + m);
}

void rope_angle(const RopeTable& table, int pair, double position, float* cos, float* sin) noexcept {
  const double angle = position * table.inv_freq[std::size_t(pair)];
  *cos = float(table.magnitude * std::cos(angle));
  *sin = float(table.magnitude * std::sin(angle));
}

}  // namespace longhand
