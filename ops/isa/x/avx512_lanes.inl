// AVX-512 (F, BW, DQ, VL, VNNI): everything but products of bfloat16.
#pragma once

#include <immintrin.h>

#include "ops/isa/x/byte_sums.inl"
#include "ops/isa/x/vnni_dot.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// Registers: 32 of sixteen lanes.
constexpr int kDirectTokens = 8, kDirectTokensOfSupers = 8;
constexpr int kTileVectors = 2, kTileTokens = 6, kFloatTokens = 6;
constexpr int kTileSums = 24;

inline F multiply_add(F x, F y, F z) { return F(_mm512_fmadd_ps(x, y, z)); }
inline F subtract_product(F z, F x, F y) { return F(_mm512_fnmadd_ps(x, y, z)); }

inline F load_f16(const void* p) {
  return F(_mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i*>(p))));
}
inline I load_shorts(const void* p) {
  return I(_mm512_cvtepu16_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(p))));
}
inline I load_bytes(const void* p) {
  return I(_mm512_cvtepi8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p))));
}

inline I lookup16(const std::int8_t (&table)[16], I w) {
  const __m128i t = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
  return I(_mm512_shuffle_epi8(_mm512_broadcast_i32x4(t), w));
}

inline I gather_words(const std::uint32_t* table, I index) {
  return I(_mm512_i32gather_epi32(index, table, 4));
}

inline I add_halves(I x, I y) { return I(_mm512_add_epi16(x, y)); }
inline I add_pair_products(I acc, I x, I y) { return I(_mm512_dpwssd_epi32(acc, x, y)); }
inline I add_quad_products(I acc, I w, I a) { return I(_mm512_dpbusd_epi32(acc, w, a)); }

inline void round_16(const float* x, F inverse, std::int8_t* q) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(q),
                   _mm512_cvtepi32_epi8(xsimd::nearbyint_as_int(load(x) * inverse)));
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
