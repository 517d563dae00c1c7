// AVX-512 without products of bfloat16.
#pragma once

#include "ops/isa/x/avx512_lanes.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

using Bf16Products = NoBf16Products;

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
