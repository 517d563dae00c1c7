// Rotary position embedding: every rescaling rule ends as one list of frequencies and one magnitude.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace longhand {

enum class RopeRule : std::uint8_t { none, linear, ntk, ntk_fixed, ntk_mixed, yarn };

struct RopeParams {
  int rot = 0;  // rotated dimensions, even
  double base = 10000;
  RopeRule rule = RopeRule::none;
  double factor = 1;                                                      // context stretched by this
  int original_context = 0;                                               // yarn
  double beta_fast = 32, beta_slow = 1, ext_factor = 1, attn_factor = 1;  // yarn
  std::span<const float> divisors = {};  // (rot / 2) or empty: factor tensors of the file
};

struct RopeTable {
  std::vector<double> inv_freq;  // (rot / 2) radians per position
  double magnitude = 1;          // multiplies cos and sin
};

/// theta_m = base^(-2m / rot), rescaled by `rule` and divided by the file's factors.
/// linear: position interpolation (Chen et al. 2023). ntk: a larger base, so that the slowest pair turns as
/// under linear and the fastest as before. ntk_fixed, ntk_mixed: each pair's share of the factor grows
/// evenly, or faster at first, with the pair (Su 2023, the mixed-base view of rotary positions). yarn: Peng
/// et al. 2023, with magnitude attn_factor (1 + 0.1 ln factor) when ext_factor is not 0.
RopeTable make_rope_table(const RopeParams& params);

/// cos and sin (rot / 2) of one position, magnitude included.
void rope_angles(const RopeTable& table, double position, float* cos, float* sin) noexcept;

/// The same of one of the pairs.
void rope_angle(const RopeTable& table, int pair, double position, float* cos, float* sin) noexcept;

}  // namespace longhand
