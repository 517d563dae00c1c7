// An exponential with the same bits on every platform; the last bit of std::exp is the C
// library's own choice.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace longhand {
namespace portable_exp_detail {

inline constexpr double kLn2 = 0.6931471805599453;
inline constexpr int kSteps = 64;  // 2^(i / 64): a table of 512 bytes leaves |r| <= ln(2) / 128

inline constexpr std::array<double, kSteps> kPowers = [] {
  std::array<double, kSteps> powers{};
  for (int i = 0; i < kSteps; ++i) {
    const double x = kLn2 * i / kSteps;
    double sum = 1.0;
    for (int n = 20; n > 0; --n) sum = 1.0 + sum * x / n;  // x^21 / 21! < 1e-22
    powers[std::size_t(i)] = sum;
  }
  return powers;
}();

}  // namespace portable_exp_detail

/// exp(x) for x <= 0, relative error below 1e-15; 0 below -700 and for NaN.
inline double portable_exp(double x) noexcept {
  using namespace portable_exp_detail;
  if (!(x > -700.0)) return 0.0;
  constexpr double kHead = 6.93147180369123816490e-01 / kSteps;  // of ln(2): 32 bits, so n * head is exact
  constexpr double kTail = 1.90821492927058770002e-10 / kSteps;
  const auto n = std::int32_t(x * (kSteps / kLn2) - 0.5);  // x <= 0: truncation rounds to nearest
  const double r = (x - n * kHead) - n * kTail;
  // Taylor; r^6 / 6! < 4e-17.
  const double power = 1.0 + r * (1.0 + r * (1.0 / 2 + r * (1.0 / 6 + r * (1.0 / 24 + r * (1.0 / 120)))));
  const std::int32_t exponent = (n >> 6) + 1023;  // n >> 6 rounds down
  return power * kPowers[std::size_t(n & (kSteps - 1))] *
         std::bit_cast<double>(std::uint64_t(exponent) << 52);
}

}  // namespace longhand
