// The scale and the offset of a group whose weights are scale * level + offset, with levels 0 to some whole
// number. As in scale_search.inl, sixteen trials go on at a time.
#pragma once

#include "ops/encode/scale_search.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

/// Sums over a group that do not depend on levels.
struct GroupSums {
  float w, x;       // of w and of w x
  float low, high;  // the least and the largest weight

  GroupSums(const float* x_, const float* w_, int n) {
    Sixteen all_w = Sixteen::of(0), all_x = all_w, least = Sixteen::load(x_), most = least;
    for (int i = 0; i < n; i += 16) {
      const Sixteen xi = Sixteen::load(x_ + i), wi = Sixteen::load(w_ + i);
      all_w = all_w + wi;
      all_x = all_x + wi * xi;
      least = smaller(xi, least);
      most = larger(xi, most);
    }
    w = sum_of(all_w);
    x = sum_of(all_x);
    low = smallest_of(least);
    high = largest_of(most);
  }
};

struct Affine {
  float scale = 0, offset = 0;
  float l = 0, ll = 0;  // sums of w level and w level^2
};

/// One lane a trial.
struct AffineTrials {
  Sixteen scale, offset, saved;  // saved: how much less than the sum of w x^2 the error is
  Sixteen l, ll;
};

/// Levels nearest to (x - offset) * inverse, and then the scale and the offset that are best for these
/// levels. kBelow: an offset above 0 cannot be written.
template <class Levels, bool kBelow>
AffineTrials affine_trials(const float* x, const float* w, int n, const GroupSums& sums,
                           const Sixteen& offset, const Sixteen& inverse) {
  const Sixteen zero = Sixteen::of(0);
  Sixteen l = zero, ll = zero, xl = zero;
  for (int i = 0; i < n; ++i) {
    const Sixteen xi = Sixteen::of(x[i]);
    const Sixteen level = Levels::nearest((xi - offset) * inverse);
    const Sixteen weighted = Sixteen::of(w[i]) * level;
    l = l + weighted;
    ll = ll + weighted * level;
    xl = xl + weighted * xi;
  }
  // The normal equations of two unknowns.
  const Sixteen sum_w = Sixteen::of(sums.w), sum_x = Sixteen::of(sums.x);
  const Sixteen determinant = sum_w * ll - l * l;
  Sixteen scale = quotient(sum_w * xl - sum_x * l, determinant);
  Sixteen best_offset = quotient(ll * sum_x - l * xl, determinant);
  if constexpr (kBelow) {
    scale = where_greater(best_offset, zero, quotient(xl, ll), scale);
    best_offset = where_greater(best_offset, zero, zero, best_offset);
  }
  // Where all levels are the same there is nothing to solve.
  const Sixteen saved = where_greater(determinant, zero, scale * xl + best_offset * sum_x, Sixteen::of(-1));
  return {scale, best_offset, saved, l, ll};
}

/// Which starts a search has: the range of the group is taken to `from` .. `to` times all levels.
template <class Levels, bool kBelow>
Affine best_affine(const float* x, const float* w, int n, const Reach& reach) {
  const GroupSums sums(x, w, n);
  const float low = kBelow && sums.low > 0 ? 0 : sums.low;
  const float mean = sums.x / sums.w;
  // Nothing to scale.
  if (!(sums.high > low)) return {0, kBelow && mean > 0 ? 0 : mean, 0, 0};
  const float step = (reach.to - reach.from) / 15, inverse = Levels::kHigh / (sums.high - low);
  const Sixteen part = steps(reach.from, step);
  // What lies outside is cut off on both sides alike.
  const Sixteen cut = (Sixteen::of(1) - Sixteen::of(1) / part) * Sixteen::of(0.5f * (sums.high - low));
  AffineTrials t =
      affine_trials<Levels, kBelow>(x, w, n, sums, Sixteen::of(low) + cut, part * Sixteen::of(inverse));
  for (int round = 0; round < reach.rounds; ++round) {
    const AffineTrials next =
        affine_trials<Levels, kBelow>(x, w, n, sums, t.offset, quotient(Sixteen::of(1), t.scale));
    t = next;
  }
  const int best = best_lane(t.saved);
  if (!(lane_of(t.saved, best) > 0)) return {0, kBelow && mean > 0 ? 0 : mean, 0, 0};
  return {lane_of(t.scale, best), lane_of(t.offset, best), lane_of(t.l, best), lane_of(t.ll, best)};
}

/// The sum of w (x - scale level - offset)^2 with levels nearest to (x - offset) * inverse, one lane a trial.
template <class Levels>
Sixteen affine_errors(const float* x, const float* w, int n, const Sixteen& scale, const Sixteen& inverse,
                      const Sixteen& offset) {
  Sixteen sum = Sixteen::of(0);
  for (int i = 0; i < n; ++i) {
    const Sixteen above = Sixteen::of(x[i]) - offset;
    const Sixteen off = above - scale * Levels::nearest(above * inverse);
    sum = sum + Sixteen::of(w[i]) * off * off;
  }
  return sum;
}

/// The nearest levels of n weights (whole sixteens) under one scale and offset.
template <class Levels>
void set_affine_levels(const float* x, int n, float scale, float offset, float* level) {
  const Sixteen inverse = Sixteen::of(inverse_of(scale)), from = Sixteen::of(offset);
  for (int i = 0; i < n; i += 16) Levels::nearest((Sixteen::load(x + i) - from) * inverse).store(level + i);
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
