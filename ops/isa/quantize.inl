// Rounds activations to bytes, in blocks with a scale each, with the sums that integer kernels start from.
#pragma once

#include <bit>

#include "ops/isa/lanes.inl"
#include "ops/kernels.h"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// Largest magnitude as bits: NaN compares above infinity, so one integer maximum finds both.
inline std::int32_t top_magnitude(const float* x, int n) {
  I top(0);
  for (int i = 0; i < n; i += kLanes) top = xsimd::max(top, load_words(x + i) & I(0x7FFFFFFF));
  std::int32_t t[kLanes], result = 0;
  top.store_unaligned(t);
  for (const std::int32_t v : t) result = v > result ? v : result;
  return result;
}

// A block with NaN or infinity gets a NaN scale, so that whatever is computed from it is seen to be broken.
void quantize(const float* x, std::int32_t n, std::int32_t block, const RoundedRow& to) noexcept {
  constexpr std::int32_t kInfinity = 0x7F800000;
  for (int b = 0; b < n; b += block) {
    const std::int32_t bits = top_magnitude(x + b, block);
    const float top = std::bit_cast<float>(bits);
    const bool finite = bits < kInfinity;
    // Below 127 times the smallest normal the reciprocal would overflow; such a block is zero to any reader.
    const F inverse(finite && top > 1e-36f ? 127.0f / top : 0.0f);
    to.scale[b / block] = finite ? top / 127.0f : std::bit_cast<float>(0x7FC00000);
    for (int i = b; i < b + block; i += 16) {
      if (finite) {
        round_16(x + i, inverse, to.q + i);
      } else {
        std::memset(to.q + i, 0, 16);  // NaN times 0 would not be 0
      }
      to.sums[i / 16] = halves_of_16(to.q + i);
    }
    for (int i = b / 32; i < (b + block) / 32; ++i) {
      const auto sum = [&](int k) { return std::int16_t(to.sums[k] & 0xFFFF) + (to.sums[k] >> 16); };
      to.sums32[i] = std::int16_t(sum(2 * i) + sum(2 * i + 1));
    }
  }
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
