// Encoders of blocks of 256 weights with a whole number for each group: d * scale * level.
#pragma once

#include "ops/encode/encoder.inl"
#include "ops/encode/packing.inl"
#include "ops/encode/scale_search.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

/// Sixteen neighbouring whole numbers around `centre`, kept between `low` and `high`.
inline Sixteen neighbours(float centre, float low, float high) {
  return smaller(larger(rounded(Sixteen::of(centre)) + steps(-8, 1), Sixteen::of(low)), Sixteen::of(high));
}

/// The levels, whole scales and d of a block of 256 weights in groups of `size`. Scales are those of `Whole`.
template <class Levels, class Whole, int size>
class SuperScales {
 public:
  static constexpr int kGroups = 256 / size;

  std::uint16_t d;
  int scale[kGroups];
  std::uint8_t code[256];

  SuperScales(const float* src, const float* importance, const Reach& reach) : b_(src, importance) {
    set_first_d(reach);
    choose();
    for (int round = 0; round < kRounds && improve(); ++round) {}
    finish();
  }

 private:
  alignas(64) float level_[256];
  static constexpr int kRounds = 2;

  struct Choice {
    float scale[kGroups];
    float error;
  };
  Weights<256> b_;
  float d_;  // of the choice
  Choice choice_;

  void set_first_d(const Reach& reach);
  Choice choice_under(float d) const;
  void choose() { choice_ = choice_under(d_); }
  bool improve();
  void finish();
  float best_d();
};

// Scales that the groups would have alone, then the d whose multiples they are nearest to.
template <class Levels, class Whole, int size>
void SuperScales<Levels, Whole, size>::set_first_d(const Reach& reach) {
  float scales[16] = {}, weights[kGroups];
  for (int g = 0; g < kGroups; ++g) {
    const float* x = b_.x + g * size;
    const Scale best = best_scale<Levels>(
        x, b_.w + g * size, size, starts<Levels>(extreme(x, size), reach.from, reach.to), reach.rounds);
    scales[g] = best.scale;
    weights[g] = best.weight;
  }
  const Sixteen inverse = starts<Whole>(extreme(scales, 16), 1, 25.0f / 32);
  d_ = b_.rounded_to_half(best_scale<Whole>(scales, weights, kGroups, inverse, 1).scale);
  for (int g = 0; g < kGroups; ++g) choice_.scale[g] = scales[g];
}

// Of the whole numbers around the scale each group has now, the one that leaves the least error.
template <class Levels, class Whole, int size>
typename SuperScales<Levels, Whole, size>::Choice SuperScales<Levels, Whole, size>::choice_under(
    float d) const {
  Choice choice;
  choice.error = 0;
  const float inverse = inverse_of(d);
  for (int g = 0; g < kGroups; ++g) {
    const Sixteen whole = neighbours(choice_.scale[g] * inverse, Whole::kLow, Whole::kHigh);
    const Sixteen scale = whole * Sixteen::of(d);
    const Sixteen error =
        scale_errors<Levels>(b_.x + g * size, b_.w + g * size, size, scale, quotient(Sixteen::of(1), scale));
    const int best = best_lane(Sixteen::of(0) - error);
    choice.scale[g] = lane_of(scale, best);
    choice.error += lane_of(error, best);
  }
  return choice;
}

// The d that is best for the levels and whole scales chosen.
template <class Levels, class Whole, int size>
float SuperScales<Levels, Whole, size>::best_d() {
  Sixteen xl = Sixteen::of(0), ll = Sixteen::of(0);
  const float inverse = inverse_of(d_);
  for (int g = 0; g < kGroups; ++g) {
    const int at = g * size;
    set_levels<Levels>(b_.x + at, size, choice_.scale[g], level_ + at);
    const Sixteen whole = rounded(Sixteen::of(choice_.scale[g] * inverse));
    for (int i = at; i < at + size; i += 16) {
      const Sixteen l = Sixteen::load(level_ + i) * whole, weighted = Sixteen::load(b_.w + i) * l;
      xl = xl + weighted * Sixteen::load(b_.x + i);
      ll = ll + weighted * l;
    }
  }
  return sum_of(xl) / sum_of(ll);
}

template <class Levels, class Whole, int size>
bool SuperScales<Levels, Whole, size>::improve() {
  const float d = b_.rounded_to_half(best_d());
  if (d == d_ || inverse_of(d) == 0) return false;
  const Choice choice = choice_under(d);
  if (!(choice.error < choice_.error)) return false;
  choice_ = choice;
  d_ = d;
  return true;
}

template <class Levels, class Whole, int size>
void SuperScales<Levels, Whole, size>::finish() {
  d = b_.half(d_);
  const float inverse = inverse_of(d_);
  for (int g = 0; g < kGroups; ++g) {
    set_levels<Levels>(b_.x + g * size, size, choice_.scale[g], level_ + g * size);
    scale[g] = int(lane_of(rounded(Sixteen::of(choice_.scale[g] * inverse)), 0));
  }
  set_codes<Levels>(level_, code);
}

template <>
struct Encoder<Q3_K> {
  static void encode(const float* src, const float* importance, Q3_K::Block& block) {
    const SuperScales<WholeLevels<-4, 3>, WholeLevels<-32, 31>, 16> best(src, importance, {0.75f, 1.6f, 1});
    block.d = best.d;
    pack_pairs(best.code, 0, block.qs);
    pack_bits(best.code, 2, block.hmask);
    for (int g = 0; g < 16; ++g) {
      const unsigned s = unsigned(best.scale[g] + 32);
      block.scales[g % 8] = std::uint8_t(block.scales[g % 8] | (s & 15) << (4 * (g / 8)));
      block.scales[8 + g % 4] = std::uint8_t(block.scales[8 + g % 4] | (s >> 4) << (2 * (g / 4)));
    }
  }
};

template <>
struct Encoder<Q6_K> {
  static void encode(const float* src, const float* importance, Q6_K::Block& block) {
    const SuperScales<WholeLevels<-32, 31>, WholeLevels<-128, 127>, 16> best(src, importance,
                                                                             {0.9f, 1.1f, 1});
    block.d = best.d;
    for (int half = 0; half < 2; ++half) {
      for (int j = 0; j < 64; ++j) {
        const std::uint8_t* code = best.code + 128 * half + j;
        block.ql[64 * half + j] = std::uint8_t((code[0] & 15) | (code[64] & 15) << 4);
      }
    }
    pack_pairs(best.code, 4, block.qh);
    for (int g = 0; g < 16; ++g) block.scales[g] = std::int8_t(best.scale[g]);
  }
};

template <>
struct Encoder<IQ4_XS> {
  static void encode(const float* src, const float* importance, IQ4_XS::Block& block) {
    const SuperScales<Iq4, WholeLevels<-32, 31>, 32> best(src, importance, {0.85f, 1.35f, 1});
    block.d = best.d;
    for (int run = 0; run < 8; ++run) pack_nibbles(best.code + 32 * run, block.qs + 16 * run);
    for (int g = 0; g < 8; ++g) {
      const unsigned s = unsigned(best.scale[g] + 32);
      block.scales_l[g / 2] = std::uint8_t(block.scales_l[g / 2] | (s & 15) << (4 * (g % 2)));
      block.scales_h = std::uint16_t(block.scales_h | (s >> 4) << (2 * g));
    }
  }
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
