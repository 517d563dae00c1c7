// e^x for the weights of a softmax, whose arguments are at most 0.
#pragma once

#include "ops/isa/lanes.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// e^x = 2^n e^r with n = round(x / ln 2) and |r| <= ln 2 / 2, within 2 units in the last place for x <= 0,
// exactly 1 at 0; 0 near and below where results are no longer normal floats. Half the instructions of an
// exponential for all arguments, which took as long as the scores of 56 dimensions.
inline F exp_of_negative(F x) {
  // Adding 1.5 * 2^23 rounds to an integer, which then stands in the lowest bits.
  constexpr float kRound = 0x1.8p23f, kLn2High = 0x1.62e4p-1f, kLn2Low = 0x1.7f7d1cp-20f;
  const F shifted = multiply_add(x, F(1.44269504f), F(kRound)), n = shifted - F(kRound);
  const F r = subtract_product(subtract_product(x, n, F(kLn2High)), n, F(kLn2Low));
  // Minimax of degree 5 in relative error, 9.2e-8, among polynomials with p(0) = 1.
  F p = multiply_add(r, F(0.0082902973f), F(0.041898023f));
  p = multiply_add(r, p, F(0.16667637f));
  p = multiply_add(r, p, F(0.49999148f));
  p = multiply_add(r, p, F(0.99999970f));
  p = multiply_add(r, p, F(1.0f));
  const F two_to_n = as_float((xsimd::bitwise_cast<I>(shifted) << 23) + I(0x3F800000));
  return xsimd::select(x < F(-87.33f), F(0.0f), p * two_to_n);
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
