// Encoders of plain floats.
#pragma once

#include "ops/encode/encoder.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

template <>
struct Encoder<F32> {
  static void encode(const float* src, const float*, F32::Block& block) { block = *src; }
};

// A weight too large for 16 bits becomes the largest there is; what is infinite or NaN stays that.
template <>
struct Encoder<F16> {
  static void encode(const float* src, const float*, F16::Block& block) {
    constexpr float kMax = 65504;
    const float x = *src;
    const bool finite = x - x == 0;
    block = f32_to_f16(!finite ? x : x > kMax ? kMax : x < -kMax ? -kMax : x);
  }
};

template <>
struct Encoder<BF16> {
  static void encode(const float* src, const float*, BF16::Block& block) { block = f32_to_bf16(*src); }
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
