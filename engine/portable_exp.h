// An exponential with the same bits on every platform; the last bit of std::exp is the C library's own
// choice.
#pragma once

#include <bit>
#include <cstdint>

namespace longhand {

/// exp(x) for x <= 0, relative error below 1e-15; 0 below -700, NaN counts as -inf.
inline double portable_exp(double x) noexcept {
  if (!(x > -700.0)) return 0.0;
  constexpr double kLog2e = 1.4426950408889634;
  constexpr double kLn2Head = 6.93147180369123816490e-01;  // 32 bits: n * head is exact
  constexpr double kLn2Tail = 1.90821492927058770002e-10;
  const auto n = static_cast<std::int32_t>(x * kLog2e - 0.5);  // x <= 0, so truncation rounds to nearest
  const double r = (x - n * kLn2Head) - n * kLn2Tail;          // |r| <= ln(2) / 2
  // Taylor series; the first term left out, r^14 / 14!, is below 5e-18.
  double sum = 1.0 / 6227020800.0;
  for (double inverse_factorial :
       {1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0, 1.0 / 362880.0, 1.0 / 40320.0, 1.0 / 5040.0,
        1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0}) {
    sum = sum * r + inverse_factorial;
  }
  return sum * std::bit_cast<double>(static_cast<std::uint64_t>(n + 1023) << 52);
}

}  // namespace longhand
