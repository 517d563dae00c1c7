// Encoders of blocks with one scale: scale * level.
#pragma once

#include "ops/encode/encoder.inl"
#include "ops/encode/scale_search.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

/// The levels of a block of one scale.
template <class Levels, int n>
struct OneScale {
  std::uint16_t d;
  alignas(64) float level[n];

  /// The largest weight is first taken to `from` .. `to` times the last level.
  OneScale(const float* src, const float* importance, float from, float to, int rounds) {
    const Weights<n> b(src, importance);
    const Scale best = best_scale<Levels>(b.x, b.w, n, starts<Levels>(extreme(b.x, n), from, to), rounds);
    d = b.half(best.scale);
    set_levels<Levels>(b.x, n, b.of_half(d), level);
  }
  unsigned code(int i) const { return Levels::code(level[i]); }
};

/// Codes of 4 bits of 32 weights, the second half in the high nibbles.
template <class Codes>
void set_nibbles(const Codes& codes, std::uint8_t (&qs)[16]) {
  for (int j = 0; j < 16; ++j) qs[j] = std::uint8_t((codes(j) & 15) | (codes(j + 16) & 15) << 4);
}
/// The fifth bits of 32 codes.
template <class Codes>
void set_fifth_bits(const Codes& codes, std::uint8_t (&qh)[4]) {
  for (int j = 0; j < 32; ++j) qh[j / 8] = std::uint8_t(qh[j / 8] | (codes(j) >> 4 & 1) << (j % 8));
}

template <>
struct Encoder<Q4_0> {
  static void encode(const float* src, const float* importance, Q4_0::Block& block) {
    const OneScale<WholeLevels<-8, 7>, 32> best(src, importance, 0.85f, 1.35f, 1);
    block.d = best.d;
    set_nibbles([&](int i) { return best.code(i); }, block.qs);
  }
};

template <>
struct Encoder<Q5_0> {
  static void encode(const float* src, const float* importance, Q5_0::Block& block) {
    const OneScale<WholeLevels<-16, 15>, 32> best(src, importance, 0.9f, 1.2f, 1);
    block.d = best.d;
    set_nibbles([&](int i) { return best.code(i); }, block.qs);
    set_fifth_bits([&](int i) { return best.code(i); }, block.qh);
  }
};

// Its error is that of rounding, whatever the scale, so the largest weight decides. -128 would be a level
// more, but products on some processors cannot take it.
template <>
struct Encoder<Q8_0> {
  static void encode(const float* src, const float* importance, Q8_0::Block& block) {
    using Levels = WholeLevels<-127, 127>;
    const Weights<32> b(src, importance);
    const float top = extreme(b.x, 32);
    block.d = b.half((top < 0 ? -top : top) / 127);
    alignas(64) float level[32];
    set_levels<Levels>(b.x, 32, b.of_half(block.d), level);
    for (int j = 0; j < 32; ++j) block.qs[j] = std::int8_t(int(Levels::code(level[j])) - 127);
  }
};

template <>
struct Encoder<IQ4_NL> {
  static void encode(const float* src, const float* importance, IQ4_NL::Block& block) {
    const OneScale<Iq4, 32> best(src, importance, 0.85f, 1.35f, 1);
    block.d = best.d;
    set_nibbles([&](int i) { return best.code(i); }, block.qs);
  }
};

template <>
struct Encoder<Q1_0> {
  static void encode(const float* src, const float* importance, Q1_0::Block& block) {
    const Weights<128> b(src, importance);
    Sixteen sum = Sixteen::of(0), weight = Sixteen::of(0);
    for (int i = 0; i < 128; i += 16) {
      sum = sum + magnitude(Sixteen::load(b.x + i)) * Sixteen::load(b.w + i);
      weight = weight + Sixteen::load(b.w + i);
    }
    block.d = b.half(sum_of(sum) / sum_of(weight));
    for (int i = 0; i < 128; ++i) {
      if (b.x[i] >= 0) block.qs[i / 8] = std::uint8_t(block.qs[i / 8] | 1 << (i % 8));
    }
  }
};

template <>
struct Encoder<Q2_0> {
  static void encode(const float* src, const float* importance, Q2_0::Block& block) {
    const OneScale<WholeLevels<-1, 2>, 64> best(src, importance, 0.7f, 3.0f, 2);
    block.d = best.d;
    for (int i = 0; i < 64; ++i)
      block.qs[i / 4] = std::uint8_t(block.qs[i / 4] | best.code(i) << (2 * (i % 4)));
  }
};

using Ternary = OneScale<WholeLevels<-1, 1>, 256>;

template <>
struct Encoder<TQ1_0> {
  static void encode(const float* src, const float* importance, TQ1_0::Block& block) {
    const Ternary best(src, importance, 0.8f, 4.0f, 2);
    block.d = best.d;
    unsigned number[52] = {};  // its digits of base 3, the first weight's the highest of five
    for (unsigned i = 0; i < 256; ++i) {
      const TQ1_0::Place at(i);
      number[at.byte] += best.code(int(i)) * (81 / at.power);
    }
    // The byte is 256 times the fraction number / 243, rounded up so that multiplying gives the digits back.
    for (unsigned i = 0; i < 52; ++i) {
      (i < 48 ? block.qs[i] : block.qh[i - 48]) = std::uint8_t((number[i] * 256 + 242) / 243);
    }
  }
};

template <>
struct Encoder<TQ2_0> {
  static void encode(const float* src, const float* importance, TQ2_0::Block& block) {
    const Ternary best(src, importance, 0.8f, 4.0f, 2);
    block.d = best.d;
    for (int i = 0; i < 256; ++i) {
      auto& byte = block.qs[32 * (i / 128) + i % 32];
      byte = std::uint8_t(byte | best.code(i) << (2 * (i / 32 % 4)));
    }
  }
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
