// AVX-512 with products of bfloat16.
#pragma once

#include "ops/isa/x/avx512_lanes.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

struct Bf16Products {
  static constexpr bool kExist = true;

  // `left` floats of kLanes, rounded to bfloat16; those beyond become 0.
  static void round(const float* from, int left, std::uint16_t* to) {
    const __m512 y = _mm512_maskz_loadu_ps(__mmask16((1u << left) - 1), from);
    const __m256bh rounded = _mm512_cvtneps_pbh(y);
    std::memcpy(to, &rounded, sizeof rounded);
  }
  // sum + the two products of bfloat16 pairs in each lane.
  static F add(F sum, I w, I x) {
    return F(_mm512_dpbf16_ps(sum, __m512bh(__m512i(w)), __m512bh(__m512i(x))));
  }
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
