// NEON of 64-bit ARM: everything but the dot product of bytes, which newer processors have.
#pragma once

#include <arm_neon.h>

#include "ops/isa/x/one_by_one.inl"
#include "ops/isa/x/word_dot.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// Registers: 32 of four lanes.
constexpr int kDirectTokens = 4, kDirectTokensOfSupers = 4;
constexpr int kTileVectors = 4, kTileTokens = 4, kFloatTokens = 4;
constexpr int kTileSums = 24;

inline F multiply_add(F x, F y, F z) { return F(vfmaq_f32(z, x, y)); }
inline F subtract_product(F z, F x, F y) { return F(vfmsq_f32(z, x, y)); }

inline F load_f16(const void* p) {
  return F(vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(static_cast<const std::uint16_t*>(p)))));
}
inline I load_shorts(const void* p) {
  return I(vreinterpretq_s32_u32(vmovl_u16(vld1_u16(static_cast<const std::uint16_t*>(p)))));
}
inline I lookup16(const std::int8_t (&table)[16], I w) {
  return I(vreinterpretq_s32_s8(vqtbl1q_s8(vld1q_s8(table), vreinterpretq_u8_s32(w))));
}

inline I add_halves(I x, I y) {
  return I(vreinterpretq_s32_s16(vaddq_s16(vreinterpretq_s16_s32(x), vreinterpretq_s16_s32(y))));
}
inline I add_pair_products(I acc, I x, I y) {
  return acc + ((x << 16) >> 16) * ((y << 16) >> 16) + (x >> 16) * (y >> 16);
}

using Bf16Products = NoBf16Products;

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
