// NEON with the dot product of bytes.
#pragma once

#include "ops/isa/x/neon_lanes.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

template <class Fm, int kQuads>
struct Dot : WordDot<Fm::kOffset> {
  void add(I w, I a, int, I, I&) {
    this->acc = I(vdotq_s32(this->acc, vreinterpretq_s8_s32(w), vreinterpretq_s8_s32(a)));
  }
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
