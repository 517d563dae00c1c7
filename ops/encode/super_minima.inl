// Encoders of blocks of 256 weights with two whole numbers for each group: d * scale * level - dmin *
// minimum.
#pragma once

#include "ops/encode/affine_search.inl"
#include "ops/encode/encoder.inl"
#include "ops/encode/packing.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

/// The levels, whole numbers, d and dmin of a block of 256 weights in groups of `size`. Whole numbers go up
/// to `most`.
template <class Levels, int most, int size>
class SuperMinima {
 public:
  static constexpr int kGroups = 256 / size;

  std::uint16_t d, dmin;
  int scale[kGroups], minimum[kGroups];
  std::uint8_t code[256];

  SuperMinima(const float* src, const float* importance, const Reach& reach) : b_(src, importance) {
    set_first(reach);
    choice_ = choice_under(choice_);
    for (int round = 0; round < kRounds && improve(); ++round) {}
    finish();
  }

 private:
  alignas(64) float level_[256];
  using Whole = WholeLevels<0, most>;
  static constexpr int kRounds = 4;

  struct Choice {
    float d = 0, dmin = 0;
    float scale[kGroups] = {}, offset[kGroups] = {};  // multiples of d and -dmin
    float error = 0;
  };
  Weights<256> b_;
  Choice choice_;

  void set_first(const Reach& reach);
  Choice choice_under(const Choice& near) const;
  bool improve();
  void finish();
  void set_levels_of(int group) {
    const int at = group * size;
    set_affine_levels<Levels>(b_.x + at, size, choice_.scale[group], choice_.offset[group], level_ + at);
  }
  // values: 16, of which the first kGroups count.
  float best_step(const float* values, const float* weights) const {
    const Sixteen inverse = steps(most, -1) * Sixteen::of(inverse_of(extreme(values, 16)));
    return b_.rounded_to_half(best_scale<Whole>(values, weights, kGroups, inverse, 1).scale);
  }
};

// Scales and offsets that the groups would have alone, then the steps whose multiples they are nearest to.
template <class Levels, int most, int size>
void SuperMinima<Levels, most, size>::set_first(const Reach& reach) {
  float scales[16] = {}, minima[16] = {}, scale_weights[kGroups], minimum_weights[kGroups];
  for (int g = 0; g < kGroups; ++g) {
    const float *x = b_.x + g * size, *w = b_.w + g * size;
    const Affine best = best_affine<Levels, true>(x, w, size, reach);
    scales[g] = choice_.scale[g] = best.scale;
    choice_.offset[g] = best.offset;
    minima[g] = -best.offset;
    scale_weights[g] = best.ll;
    minimum_weights[g] = GroupSums(x, w, size).w;
  }
  choice_.d = best_step(scales, scale_weights);
  choice_.dmin = best_step(minima, minimum_weights);
}

// Of four scales and four minima around those of `near`, the pair that leaves the least error, group by
// group. A larger scale goes with a lower offset.
template <class Levels, int most, int size>
typename SuperMinima<Levels, most, size>::Choice SuperMinima<Levels, most, size>::choice_under(
    const Choice& near) const {
  Choice choice;
  choice.d = near.d;
  choice.dmin = near.dmin;
  const float inverse = inverse_of(near.d), inverse_min = inverse_of(near.dmin);
  float by_scale[16], by_minimum[16];
  for (int i = 0; i < 16; ++i) {
    by_scale[i] = float(i / 4 - 1);
    by_minimum[i] = float(i % 4 - 1);
  }
  const Sixteen zero = Sixteen::of(0), top = Sixteen::of(most), half = Sixteen::of(0.5f);
  for (int g = 0; g < kGroups; ++g) {
    const float *x = b_.x + g * size, *w = b_.w + g * size;
    const Sixteen below = rounded(Sixteen::of(near.scale[g] * inverse) - half);  // of the two next to it
    const Sixteen whole = smaller(larger(below + Sixteen::load(by_scale), zero), top);
    const Sixteen scale = whole * Sixteen::of(near.d);
    // With levels in mid range on average, as much as the scale grows the offset falls.
    const Sixteen tilt = (scale - Sixteen::of(near.scale[g])) * Sixteen::of(0.5f * Levels::kHigh);
    const Sixteen wanted = (tilt - Sixteen::of(near.offset[g])) * Sixteen::of(inverse_min);
    const Sixteen minimum = smaller(larger(rounded(wanted - half) + Sixteen::load(by_minimum), zero), top);
    const Sixteen offset = zero - minimum * Sixteen::of(near.dmin);
    const Sixteen error = affine_errors<Levels>(x, w, size, scale, quotient(Sixteen::of(1), scale), offset);
    const int best = best_lane(zero - error);
    choice.scale[g] = lane_of(scale, best);
    choice.offset[g] = lane_of(offset, best);
    choice.error += lane_of(error, best);
  }
  return choice;
}

// With levels and whole numbers kept, the normal equations of d and dmin.
template <class Levels, int most, int size>
bool SuperMinima<Levels, most, size>::improve() {
  Sixteen aa = Sixteen::of(0), ab = aa, bb = aa, ax = aa, bx = aa;
  const float inverse = inverse_of(choice_.d), inverse_min = inverse_of(choice_.dmin);
  for (int g = 0; g < kGroups; ++g) {
    set_levels_of(g);
    const Sixteen whole = rounded(Sixteen::of(choice_.scale[g] * inverse));
    const Sixteen b = rounded(Sixteen::of(choice_.offset[g] * inverse_min));
    for (int i = g * size; i < (g + 1) * size; i += 16) {
      const Sixteen a = whole * Sixteen::load(level_ + i), x = Sixteen::load(b_.x + i);
      const Sixteen wa = Sixteen::load(b_.w + i) * a, wb = Sixteen::load(b_.w + i) * b;
      aa = aa + wa * a;
      ab = ab + wa * b;
      bb = bb + wb * b;
      ax = ax + wa * x;
      bx = bx + wb * x;
    }
  }
  const float a2 = sum_of(aa), b2 = sum_of(bb), mixed = sum_of(ab), to_a = sum_of(ax), to_b = sum_of(bx);
  const float determinant = a2 * b2 - mixed * mixed;
  Choice near = choice_;
  near.d = b_.rounded_to_half(determinant > 0 ? (to_a * b2 - to_b * mixed) / determinant : to_a / a2);
  if (determinant > 0) near.dmin = b_.rounded_to_half((to_b * a2 - to_a * mixed) / determinant);
  if (!(near.d > 0 && near.dmin >= 0) || (near.d == choice_.d && near.dmin == choice_.dmin)) return false;
  const Choice next = choice_under(near);
  if (!(next.error < choice_.error)) return false;
  choice_ = next;
  return true;
}

template <class Levels, int most, int size>
void SuperMinima<Levels, most, size>::finish() {
  d = b_.half(choice_.d);
  dmin = b_.half(choice_.dmin);
  const float inverse = inverse_of(choice_.d), inverse_min = inverse_of(choice_.dmin);
  for (int g = 0; g < kGroups; ++g) {
    set_levels_of(g);
    scale[g] = int(lane_of(rounded(Sixteen::of(choice_.scale[g] * inverse)), 0));
    minimum[g] = -int(lane_of(rounded(Sixteen::of(choice_.offset[g] * inverse_min)), 0));
  }
  set_codes<Levels>(level_, code);
}

template <>
struct Encoder<Q2_K> {
  static void encode(const float* src, const float* importance, Q2_K::Block& block) {
    const SuperMinima<WholeLevels<0, 3>, 15, 16> best(src, importance, {0.75f, 1.7f, 4});
    block.d = best.d;
    block.dmin = best.dmin;
    pack_pairs(best.code, 0, block.qs);
    for (int g = 0; g < 16; ++g) block.scales[g] = std::uint8_t(best.scale[g] | best.minimum[g] << 4);
  }
};

/// Scales and minima as PackedScales reads them.
inline void pack_scales(const int (&scale)[8], const int (&minimum)[8], std::uint8_t (&s)[12]) {
  for (int j = 0; j < 4; ++j) {
    s[j] = std::uint8_t(scale[j] | (scale[j + 4] >> 4) << 6);
    s[j + 4] = std::uint8_t(minimum[j] | (minimum[j + 4] >> 4) << 6);
    s[j + 8] = std::uint8_t((scale[j + 4] & 15) | (minimum[j + 4] & 15) << 4);
  }
}
template <>
struct Encoder<Q4_K> {
  static void encode(const float* src, const float* importance, Q4_K::Block& block) {
    const SuperMinima<WholeLevels<0, 15>, 63, 32> best(src, importance, {0.87f, 1.27f, 3});
    block.d = best.d;
    block.dmin = best.dmin;
    pack_scales(best.scale, best.minimum, block.scales);
    pack_low_nibbles(best.code, block.qs);
  }
};

template <>
struct Encoder<Q5_K> {
  static void encode(const float* src, const float* importance, Q5_K::Block& block) {
    const SuperMinima<WholeLevels<0, 31>, 63, 32> best(src, importance, {0.9f, 1.2f, 3});
    block.d = best.d;
    block.dmin = best.dmin;
    pack_scales(best.scale, best.minimum, block.scales);
    pack_low_nibbles(best.code, block.qs);
    pack_bits(best.code, 4, block.qh);
  }
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
