// SSE2: what every x86-64 processor has.
#pragma once

#include <emmintrin.h>

#include "ops/isa/x/one_by_one.inl"
#include "ops/isa/x/word_dot.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// Registers: 16 of four lanes.
constexpr int kDirectTokens = 4, kDirectTokensOfSupers = 3;
constexpr int kTileVectors = 2, kTileTokens = 4, kFloatTokens = 6;
constexpr int kTileSums = 12;

// Rounded twice: there is no instruction for both.
inline F multiply_add(F x, F y, F z) { return x * y + z; }
inline F subtract_product(F z, F x, F y) { return z - x * y; }

inline F load_f16(const void* p) {
  std::uint16_t h[kLanes];
  std::memcpy(h, p, sizeof h);
  float f[kLanes];
  for (int i = 0; i < kLanes; ++i) f[i] = f16_to_f32(h[i]);
  return load(f);
}

inline I load_shorts(const void* p) {
  return I(_mm_unpacklo_epi16(_mm_loadl_epi64(static_cast<const __m128i*>(p)), _mm_setzero_si128()));
}

inline I lookup16(const std::int8_t (&table)[16], I w) {
  std::uint8_t b[16];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(b), w);
  for (auto& x : b) x = std::uint8_t(table[x & 15]);
  return I(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b)));
}

inline I add_halves(I x, I y) { return I(_mm_add_epi16(x, y)); }
inline I add_pair_products(I acc, I x, I y) { return I(_mm_add_epi32(acc, _mm_madd_epi16(x, y))); }

using Bf16Products = NoBf16Products;

template <class Fm, int kQuads>
struct Dot : WordDot<Fm::kOffset> {
  // Bytes become 16-bit halves, whose products are added in pairs.
  void add(I w, I a, int, I, I&) {
    const __m128i zero = _mm_setzero_si128();
    const __m128i w_sign = Fm::kSigned ? _mm_cmpgt_epi8(zero, w) : zero, a_sign = _mm_cmpgt_epi8(zero, a);
    const __m128i low = _mm_madd_epi16(_mm_unpacklo_epi8(w, w_sign), _mm_unpacklo_epi8(a, a_sign));
    const __m128i high = _mm_madd_epi16(_mm_unpackhi_epi8(w, w_sign), _mm_unpackhi_epi8(a, a_sign));
    const __m128 l = _mm_castsi128_ps(low), h = _mm_castsi128_ps(high);
    this->acc = this->acc + I(_mm_castps_si128(_mm_shuffle_ps(l, h, 0x88))) +
                I(_mm_castps_si128(_mm_shuffle_ps(l, h, 0xDD)));
  }
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
