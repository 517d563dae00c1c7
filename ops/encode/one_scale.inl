// Encoders of blocks with one scale: scale * level.
#pragma once

#include "ops/encode/encoder.inl"
#include "ops/encode/packing.inl"
#include "ops/encode/scale_search.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

/// The levels of a block of one scale.
template <class Levels, int n>
struct OneScale {
  std::uint16_t d;
  std::uint8_t code[n];

  /// The largest weight is first taken to `from` .. `to` times the last level.
  OneScale(const float* src, const float* importance, float from, float to, int rounds) {
    const Weights<n> b(src, importance);
    const Scale best = best_scale<Levels>(b.x, b.w, n, starts<Levels>(extreme(b.x, n), from, to), rounds);
    d = b.half(best.scale);
    alignas(64) float level[n];
    set_levels<Levels>(b.x, n, b.of_half(d), level);
    set_codes<Levels>(level, code);
  }
};

template <>
struct Encoder<Q4_0> {
  static void encode(const float* src, const float* importance, Q4_0::Block& block) {
    const OneScale<WholeLevels<-8, 7>, 32> best(src, importance, 0.85f, 1.35f, 1);
    block.d = best.d;
    pack_nibbles(best.code, block.qs);
  }
};

template <>
struct Encoder<Q5_0> {
  static void encode(const float* src, const float* importance, Q5_0::Block& block) {
    const OneScale<WholeLevels<-16, 15>, 32> best(src, importance, 0.9f, 1.2f, 1);
    block.d = best.d;
    pack_nibbles(best.code, block.qs);
    pack_fifth_bits(best.code, block.qh);
  }
};

// Its error is that of rounding, whatever the scale, so the largest weight decides. -128 would be a level
// more, but products on some processors cannot take it.
template <>
struct Encoder<Q8_0> {
  static void encode(const float* src, const float*, Q8_0::Block& block) {
    using Levels = WholeLevels<-127, 127>;
    const Sixteen first = Sixteen::load(src), second = Sixteen::load(src + 16);
    const float top = largest_of(larger(magnitude(first), larger(magnitude(second), Sixteen::of(0))));
    block.d = f32_to_f16(top / 127 < 65504 ? top / 127 : 65504);
    const Sixteen inverse = Sixteen::of(inverse_of(f16_to_f32(block.d)));
    std::uint8_t code[32];
    store_bytes(Levels::nearest(first * inverse), code);
    store_bytes(Levels::nearest(second * inverse), code + 16);
    std::memcpy(block.qs, code, sizeof code);
  }
};

template <>
struct Encoder<IQ4_NL> {
  static void encode(const float* src, const float* importance, IQ4_NL::Block& block) {
    const OneScale<Iq4, 32> best(src, importance, 0.85f, 1.35f, 1);
    block.d = best.d;
    pack_nibbles(best.code, block.qs);
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
    for (int i = 0; i < 16; ++i) {
      int byte = 0;
      for (int j = 0; j < 8; ++j) byte |= int(b.x[8 * i + j] >= 0) << j;
      block.qs[i] = std::uint8_t(byte);
    }
  }
};

template <>
struct Encoder<Q2_0> {
  static void encode(const float* src, const float* importance, Q2_0::Block& block) {
    const OneScale<WholeLevels<-1, 2>, 64> best(src, importance, 0.7f, 3.0f, 1);
    block.d = best.d;
    for (int i = 0; i < 16; ++i) {
      const std::uint8_t* code = best.code + 4 * i;
      block.qs[i] = std::uint8_t(code[0] | code[1] << 2 | code[2] << 4 | code[3] << 6);
    }
  }
};

using Ternary = OneScale<WholeLevels<-1, 1>, 256>;

template <>
struct Encoder<TQ1_0> {
  static void encode(const float* src, const float* importance, TQ1_0::Block& block) {
    const Ternary best(src, importance, 0.8f, 4.0f, 1);
    block.d = best.d;
    unsigned number[52] = {};  // its digits of base 3, the first weight's the highest of five
    for (unsigned i = 0; i < 256; ++i) {
      const TQ1_0::Place at(i);
      number[at.byte] += best.code[i] * (81 / at.power);
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
    const Ternary best(src, importance, 0.8f, 4.0f, 1);
    block.d = best.d;
    pack_pairs(best.code, 0, block.qs);
  }
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
