// AVX2 with FMA and F16C: everything but the products of integers, for which AVX-VNNI has instructions.
#pragma once

#include <immintrin.h>

#include "ops/isa/x/byte_sums.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// Registers: 16 of eight lanes.
constexpr int kDirectTokens = 4, kDirectTokensOfSupers = 4;
constexpr int kTileVectors = 2, kTileTokens = 4, kFloatTokens = 6;
constexpr int kTileSums = 12;

inline F multiply_add(F x, F y, F z) { return F(_mm256_fmadd_ps(x, y, z)); }
inline F subtract_product(F z, F x, F y) { return F(_mm256_fnmadd_ps(x, y, z)); }

inline F load_f16(const void* p) {
  return F(_mm256_cvtph_ps(_mm_loadu_si128(static_cast<const __m128i*>(p))));
}
inline I load_shorts(const void* p) {
  return I(_mm256_cvtepu16_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p))));
}
inline I load_bytes(const void* p) {
  return I(_mm256_cvtepi8_epi32(_mm_loadl_epi64(static_cast<const __m128i*>(p))));
}

inline I lookup16(const std::int8_t (&table)[16], I w) {
  const __m128i t = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
  return I(_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(t), w));
}

inline I gather_words(const std::uint32_t* table, I index) {
  return I(_mm256_i32gather_epi32(reinterpret_cast<const int*>(table), index, 4));
}

inline I add_halves(I x, I y) { return I(_mm256_add_epi16(x, y)); }

inline void round_16(const float* x, F inverse, std::int8_t* q) {
  const auto rounded = [&](int i) { return xsimd::nearbyint_as_int(load(x + i) * inverse); };
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(rounded(0), rounded(8)), 0xD8);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(q),
                   _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
