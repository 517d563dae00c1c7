// The scale of a group whose weights are scale * level. Sixteen scales are tried at a time, one in each lane,
// so that sums need no order of their own and loops no shuffles.
#pragma once

#include "ops/encode/levels.inl"
#include "ops/encode/weights.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

/// Sums over a group of w x level and w level^2, one lane a trial.
struct ScaleSums {
  Sixteen xl = Sixteen::of(0), ll = Sixteen::of(0);
};

/// Gives every weight the level nearest to x * inverse.
template <class Levels>
ScaleSums scale_sums(const float* x, const float* w, int n, const Sixteen& inverse) {
  ScaleSums s;
  for (int i = 0; i < n; ++i) {
    const Sixteen xi = Sixteen::of(x[i]);
    const Sixteen level = Levels::nearest(xi * inverse);
    const Sixteen weighted = Sixteen::of(w[i]) * level;
    s.xl = s.xl + weighted * xi;
    s.ll = s.ll + weighted * level;
  }
  return s;
}

struct Scale {
  float scale = 0;   // may be negative
  float weight = 0;  // sum of w level^2: a scale that is off by e costs weight e^2
};

/// With levels given the best scale is xl / ll, which saves xl^2 / ll of the squared error; with a scale
/// given the best levels are the nearest. Goes to and fro between the two from sixteen starts.
template <class Levels>
Scale best_scale(const float* x, const float* w, int n, Sixteen inverse, int rounds) {
  ScaleSums s = scale_sums<Levels>(x, w, n, inverse);
  for (int round = 0; round < rounds; ++round) s = scale_sums<Levels>(x, w, n, quotient(s.ll, s.xl));
  const Sixteen saved = quotient(s.xl * s.xl, s.ll);
  const int best = best_lane(saved);
  const float xl = lane_of(s.xl, best), ll = lane_of(s.ll, best);
  return ll > 0 ? Scale{xl / ll, ll} : Scale{};
}

/// The number of the largest magnitude, with its sign. n: whole sixteens.
inline float extreme(const float* x, int n) {
  Sixteen high = Sixteen::of(0), low = high;
  for (int i = 0; i < n; i += 16) {
    high = larger(Sixteen::load(x + i), high);
    low = smaller(Sixteen::load(x + i), low);
  }
  const float most = largest_of(high), least = smallest_of(low);
  return most >= -least ? most : least;
}

/// 1 / scale, or 0 where that is no finite number.
inline float inverse_of(float scale) {
  const float inverse = 1 / scale;
  return inverse - inverse == 0 ? inverse : 0;
}

/// What a search starts from: the largest weight, or the range of all, is taken to `from` .. `to` times the
/// levels.
struct Reach {
  float from, to;
  int rounds;  // of improving from there
};

/// Inverse scales that take `extreme` to `from` .. `to` times the highest level in the first eight lanes, and
/// to as much of the lowest in the others.
template <class Levels>
Sixteen starts(float extreme, float from, float to) {
  float lane[16];
  const float inverse = inverse_of(extreme);
  for (int i = 0; i < 8; ++i) {
    const float part = (from + (to - from) * float(i) / 7) * inverse;
    lane[i] = Levels::kHigh * part;
    lane[8 + i] = Levels::kLow * part;
  }
  return Sixteen::load(lane);
}

/// The sum of w (x - scale level)^2 with levels nearest to x * inverse, one lane a trial.
template <class Levels>
Sixteen scale_errors(const float* x, const float* w, int n, const Sixteen& scale, const Sixteen& inverse) {
  Sixteen sum = Sixteen::of(0);
  for (int i = 0; i < n; ++i) {
    const Sixteen xi = Sixteen::of(x[i]);
    const Sixteen off = xi - scale * Levels::nearest(xi * inverse);
    sum = sum + Sixteen::of(w[i]) * off * off;
  }
  return sum;
}

/// The nearest levels of n weights (whole sixteens) under one scale.
template <class Levels>
void set_levels(const float* x, int n, float scale, float* level) {
  const Sixteen inverse = Sixteen::of(inverse_of(scale));
  for (int i = 0; i < n; i += 16) Levels::nearest(Sixteen::load(x + i) * inverse).store(level + i);
}
template <class Levels, int n>
void set_codes(const float (&level)[n], std::uint8_t (&code)[n]) {
  for (int i = 0; i < n; i += 16) Levels::store_codes(Sixteen::load(level + i), code + i);
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
