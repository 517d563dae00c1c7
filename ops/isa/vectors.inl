// The vector types of a kernel unit, and what needs no instruction of its own. One vector lane belongs to one
// row of a panel (or to one token of a key block); xsimd gives float arithmetic, and x/ the few integer
// things it lacks.
#pragma once

#include <cstdint>
#include <cstring>
#include <xsimd/xsimd.hpp>

#include "ops/format.h"
#include "ops/matrix.h"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

using F = xsimd::batch<float>;
using I = xsimd::batch<std::int32_t>;
using Halves = xsimd::batch<std::int16_t>;
constexpr int kLanes = int(F::size);
constexpr int kParts = kPanelRows / kLanes;  // vectors per 16 rows

inline F load(const float* p) { return F::load_unaligned(p); }
inline I load_words(const void* p) { return I::load_unaligned(static_cast<const std::int32_t*>(p)); }

inline F as_float(I w) { return xsimd::bitwise_cast<F>(w); }

// Both 16-bit halves of every lane are the word, which must fit them.
inline I twice(I word) { return (word & 0xFFFF) | (word << 16); }

// acc + the sum of two products of 16-bit halves, lane by lane. Each instruction set defines it.
inline I add_pair_products(I acc, I x, I y);

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
