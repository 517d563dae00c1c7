// What dot products have in common that add up in one 32-bit word per lane; and what is said where the
// processor has no products of bfloat16.
#pragma once

#include "ops/isa/vectors.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// Dot (dot.inl) without `add`. `kTakenOff` is what every weight is too large by.
template <int kTakenOff>
struct WordDot {
  using Weights = I;
  static constexpr int kOffset = kTakenOff;
  I acc;

  static I staged(I w) { return w; }
  static Weights prepare(I stage) { return stage; }
  static I scale(I s) { return s; }
  static I offset(I halves) { return add_pair_products(I(0), halves, twice(I(-kOffset))); }
  void start(I offset) { acc = offset; }
  void finish(I scale, I& total) { total += scale * acc; }
  void finish(I& total) { total += acc; }
  // The scale of groups that have none.
  static I unit() { return I(1); }
};

struct NoBf16Products {
  static constexpr bool kExist = false;
  static constexpr void (*round)(const float*, std::int32_t, std::uint16_t*) noexcept = nullptr;
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
