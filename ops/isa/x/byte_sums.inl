// Sums of bytes with instructions all sets from AVX2 on have.
#pragma once

#include <immintrin.h>

#include "ops/isa/vectors.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

inline std::int32_t halves_of_16(const std::int8_t* q) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(q));
  __m128i pairs = _mm_maddubs_epi16(_mm_set1_epi8(1), bytes);
  pairs = _mm_add_epi16(pairs, _mm_srli_si128(pairs, 8));
  return _mm_cvtsi128_si32(_mm_add_epi16(pairs, _mm_srli_si128(pairs, 4)));
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
