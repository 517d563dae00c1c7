// AVX2 with AVX-VNNI: one instruction multiplies unsigned with signed bytes and adds four products to 32
// bits.
#pragma once

#include "ops/isa/x/avx2_lanes.inl"
#include "ops/isa/x/vnni_dot.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

inline I add_pair_products(I acc, I x, I y) { return I(_mm256_dpwssd_avx_epi32(acc, x, y)); }
inline I add_quad_products(I acc, I w, I a) { return I(_mm256_dpbusd_avx_epi32(acc, w, a)); }

using Bf16Products = NoBf16Products;

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
