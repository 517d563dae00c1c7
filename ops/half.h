// Half-precision and bfloat16 conversions in plain integer arithmetic: the same bits on every CPU.
#pragma once

#include <bit>
#include <cstdint>

#ifndef LONGHAND_UNIT
#define LONGHAND_UNIT portable
#endif

namespace longhand {
// Every kernel unit compiles its own copy under its own name, or the linker might keep one built
// for another CPU.
inline namespace LONGHAND_UNIT {

inline float f16_to_f32(std::uint16_t h) {
  const std::uint32_t sign = std::uint32_t(h & 0x8000u) << 16;
  const std::uint32_t magnitude = h & 0x7FFFu;
  if (magnitude >= 0x7C00u) return std::bit_cast<float>(sign | 0x7F800000u | ((magnitude & 0x3FFu) << 13));
  // Placing the bits 13 to the left divides by 2^112: the exponent biases differ by 127 - 15. Multiplying it
  // back is exact and makes subnormal halves normal floats.
  return std::bit_cast<float>(
      sign | std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude << 13) * 0x1.0p112f));
}

/// Rounds to nearest, ties to even; NaN stays NaN.
inline std::uint16_t f32_to_f16(float f) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(f);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return std::uint16_t(sign | 0x7E00u);
  if (magnitude >= 0x477FF000u) return std::uint16_t(sign | 0x7C00u);  // 65520 and more round to infinity
  if (magnitude <
      0x38800000u) {  // below 2^-14: add a constant whose last place is the half's, let the FPU round
    const float rounded = std::bit_cast<float>(magnitude) + 0.5f;
    return std::uint16_t(sign | (std::bit_cast<std::uint32_t>(rounded) - 0x3F000000u));
  }
  const std::uint32_t even = (magnitude >> 13) & 1u;
  return std::uint16_t(sign | ((magnitude - 0x38000000u + 0xFFFu + even) >> 13));
}

inline float bf16_to_f32(std::uint16_t h) { return std::bit_cast<float>(std::uint32_t(h) << 16); }

/// Rounds to nearest, ties to even; NaN stays NaN.
inline std::uint16_t f32_to_bf16(float f) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(f);
  // A NaN may have all its bits in the half that goes, and would become an infinity.
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return std::uint16_t(bits >> 16 | 0x40u);
  const std::uint32_t even = (bits >> 16) & 1u;
  return std::uint16_t((bits + 0x7FFFu + even) >> 16);
}

}  // namespace LONGHAND_UNIT
}  // namespace longhand
