// Encoders of plain floats.
#pragma once

#include "ops/encode/encoder.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

template <>
struct Encoder<F32> {};
template <>
struct Encoder<F16> {};
template <>
struct Encoder<BF16> {};

template <>
inline void encode_row<F32>(const float* src, std::int64_t cols, const float*, std::byte* dst) noexcept {
  std::memcpy(dst, src, std::size_t(cols) * sizeof(float));
}

// As f32_to_f16, but without a branch, so that compilers vectorise it; and a weight too large for 16 bits
// becomes the largest there is. What is infinite or NaN stays that.
inline std::uint16_t to_f16(float x) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t size = bits & 0x7FFFFFFFu;
  const std::uint32_t normal = (size - 0x38000000u + 0xFFFu + (size >> 13 & 1)) >> 13;
  const std::uint32_t small = std::bit_cast<std::uint32_t>(std::bit_cast<float>(size) + 0.5f) - 0x3F000000u;
  const std::uint32_t finite = size < 0x38800000u ? small : normal < 0x7C00u ? normal : 0x7BFFu;
  const std::uint32_t other = size > 0x7F800000u ? 0x7E00u : 0x7C00u;
  return std::uint16_t((size < 0x7F800000u ? finite : other) | (bits >> 16 & 0x8000u));
}
inline std::uint16_t to_bf16(float x) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t nearest = (bits + 0x7FFFu + (bits >> 16 & 1)) >> 16;
  return std::uint16_t((bits & 0x7FFFFFFFu) > 0x7F800000u ? bits >> 16 | 0x40u : nearest);
}

// Sixteen at a time: a loop of known length is what compilers vectorise.
template <class Round>
void round_row(const float* src, std::int64_t cols, std::byte* dst, const Round& round) {
  std::int64_t i = 0;
  for (; i + 16 <= cols; i += 16) {
    std::uint16_t to[16];
    for (int j = 0; j < 16; ++j) to[j] = round(src[i + j]);
    std::memcpy(dst + i * std::int64_t{sizeof *to}, to, sizeof to);
  }
  for (; i < cols; ++i) {
    const std::uint16_t to = round(src[i]);
    std::memcpy(dst + i * std::int64_t{sizeof to}, &to, sizeof to);
  }
}

template <>
inline void encode_row<F16>(const float* src, std::int64_t cols, const float*, std::byte* dst) noexcept {
  round_row(src, cols, dst, to_f16);
}
template <>
inline void encode_row<BF16>(const float* src, std::int64_t cols, const float*, std::byte* dst) noexcept {
  round_row(src, cols, dst, to_bf16);
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
