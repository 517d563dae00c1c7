// Products of float weights with float activations. Weights of a row come one column at a time; or, where the
// processor multiplies bfloat16, two columns of a BF16 matrix at a time with activations rounded to
// bfloat16 too: twice the rate, and an error of the size the weights have already.
#pragma once

#include "ops/isa/dot.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// Sums of floats end every kFloatBlock columns and are added up in order: so several can be under way at
// once, which hides the latency of the multiply-add.
constexpr int kFloatBlock = 256;

// Steps of kColumns columns. A Weights lane belongs to a row; Input are the columns of one token. kSums sums
// under way hide the latency of an addition.
template <class Fm>
struct SingleSteps {
  static constexpr int kColumns = 1, kSums = 4;
  using Weights = F;
  using Input = const float*;

  static Input input(const ActView& x, int token, int col) { return x.f32 + token * x.f32_stride + col; }
  static F at(Input x) { return F(*x); }
  static Weights weights(Cursor c, int) { return Fm::value(c); }
  static F add(F sum, F w, F x) { return multiply_add(w, x, sum); }
};

template <class Fm, class Products>
struct PairSteps {
  static constexpr int kColumns = 2, kSums = 6;
  using Weights = I;
  using Input = const std::uint16_t*;

  static Input input(const ActView& x, int token, int col) { return x.bf16 + token * x.bf16_stride + col; }
  static I at(Input x) { return broadcast_quad(reinterpret_cast<const std::int8_t*>(x)); }
  // The last of an odd number of columns stands alone.
  static Weights weights(Cursor c, int columns) {
    return columns < 2 ? c.short_word(0) : Products::pairs(c.block);
  }
  static F add(F sum, I w, I x) { return Products::add(sum, w, x); }
};

template <class Fm>
using FloatSteps = std::conditional_t<std::is_same_v<Fm, BF16> && Bf16Products::kExist,
                                      PairSteps<Fm, Bf16Products>, SingleSteps<Fm>>;

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
