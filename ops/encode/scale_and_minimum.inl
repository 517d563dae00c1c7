// Encoders of blocks of 32 with a scale and a minimum: d * level + m.
#pragma once

#include "ops/encode/affine_search.inl"
#include "ops/encode/encoder.inl"
#include "ops/encode/packing.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

template <class Levels>
struct ScaleAndMinimum {
  std::uint16_t d, m;
  std::uint8_t code[32];

  ScaleAndMinimum(const float* src, const float* importance, const Reach& reach) {
    const Weights<32> b(src, importance);
    const Affine best = best_affine<Levels, false>(b.x, b.w, 32, reach);
    d = b.half(best.scale);
    m = b.half(best.offset);
    alignas(64) float level[32];
    set_affine_levels<Levels>(b.x, 32, b.of_half(d), b.of_half(m), level);
    set_codes<Levels>(level, code);
  }
};

template <>
struct Encoder<Q4_1> {
  static void encode(const float* src, const float* importance, Q4_1::Block& block) {
    const ScaleAndMinimum<WholeLevels<0, 15>> best(src, importance, {0.85f, 1.3f, 3});
    block.d = best.d;
    block.m = best.m;
    pack_nibbles(best.code, block.qs);
  }
};

template <>
struct Encoder<Q5_1> {
  static void encode(const float* src, const float* importance, Q5_1::Block& block) {
    const ScaleAndMinimum<WholeLevels<0, 31>> best(src, importance, {0.9f, 1.2f, 3});
    block.d = best.d;
    block.m = best.m;
    pack_nibbles(best.code, block.qs);
    pack_fifth_bits(best.code, block.qh);
  }
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
