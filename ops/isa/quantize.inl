// Rounds activations to bytes, in blocks with a scale each, with the sums that integer kernels start from.
#pragma once

#include <bit>

#include "ops/isa/lanes.inl"

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

// Sixteen values times `inverse`, rounded to nearest, ties to even, as the conversion instruction does.
inline void round_16(const float* x, F inverse, std::int8_t* q) {
  const auto rounded = [&](int i) { return xsimd::nearbyint_as_int(load(x + i) * inverse); };
#if defined(__AVX512F__)
  _mm_storeu_si128(reinterpret_cast<__m128i*>(q), _mm512_cvtepi32_epi8(rounded(0)));
#elif defined(__AVX2__)
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(rounded(0), rounded(8)), 0xD8);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(q),
                   _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
#else
  for (int i = 0; i < 16; i += kLanes) {
    std::int32_t w[kLanes];
    rounded(i).store_unaligned(w);
    for (int k = 0; k < kLanes; ++k) q[i + k] = std::int8_t(w[k]);
  }
#endif
}

// RoundedRow::sums of sixteen bytes.
inline std::int32_t halves_of_16(const std::int8_t* q) {
#if defined(__SSSE3__)
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(q));
  __m128i pairs = _mm_maddubs_epi16(_mm_set1_epi8(1), bytes);
  pairs = _mm_add_epi16(pairs, _mm_srli_si128(pairs, 8));
  return _mm_cvtsi128_si32(_mm_add_epi16(pairs, _mm_srli_si128(pairs, 4)));
#else
  std::int32_t low = 0, high = 0;
  for (int i = 0; i < 16; i += 4) {
    low += q[i] + q[i + 1];
    high += q[i + 2] + q[i + 3];
  }
  return std::int32_t(std::uint32_t(low & 0xFFFF) | std::uint32_t(high) << 16);
#endif
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
