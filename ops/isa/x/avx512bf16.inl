// AVX-512 with products of bfloat16.
#pragma once

#include "ops/isa/x/avx512_lanes.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

struct Bf16Products {
  static constexpr bool kExist = true;

  static void round(const float* x, std::int32_t n, std::uint16_t* to) noexcept {
    for (std::int32_t i = 0; i < n; i += kLanes) {
      const int left = n - i < kLanes ? n - i : kLanes;
      const __m512 y = _mm512_maskz_loadu_ps(__mmask16((1u << left) - 1), x + i);
      const __m256bh rounded = _mm512_cvtneps_pbh(y);
      std::memcpy(to + i, &rounded, std::size_t(left + left % 2) * sizeof *to);
    }
  }
  // Words i and 16 + i of 32 in lane i.
  static I pairs(const void* p) {
    alignas(64) static constexpr std::int16_t kTurn[32] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                                           21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                                           11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    return I(_mm512_permutexvar_epi16(_mm512_load_si512(kTurn), _mm512_loadu_si512(p)));
  }
  // sum + the two products of bfloat16 pairs in each lane.
  static F add(F sum, I w, I x) {
    return F(_mm512_dpbf16_ps(sum, __m512bh(__m512i(w)), __m512bh(__m512i(x))));
  }
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
