// NEON: what every 64-bit ARM processor has.
#pragma once

#include "ops/isa/x/neon_lanes.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

template <class Fm, int kQuads>
struct Dot : WordDot<Fm::kOffset> {
  void add(I w, I a, int, I, I&) {
    const int8x16_t x = vreinterpretq_s8_s32(w), y = vreinterpretq_s8_s32(a);
    const int16x8_t low = vmull_s8(vget_low_s8(x), vget_low_s8(y)), high = vmull_high_s8(x, y);
    this->acc = I(vpadalq_s16(this->acc, vpaddq_s16(low, high)));
  }
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
