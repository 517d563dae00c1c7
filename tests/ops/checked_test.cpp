#include "ops/checked.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <vector>

namespace longhand {
namespace {

__extension__ using Wide = unsigned __int128;  // no sum or product of two u64 overflows it

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

std::optional<std::uint64_t> narrow(Wide value) {
  if (value > kMax) return std::nullopt;
  return std::uint64_t(value);
}

// Numbers of all magnitudes, and those around powers of two.
std::vector<std::uint64_t> samples() {
  std::vector<std::uint64_t> values = {0, 3, 10, 1000, kMax / 3, kMax / 3 + 1, 0xFFFFFFFFULL * 0xFFFFFFFFULL};
  for (int bit = 0; bit < 64; ++bit) {
    const std::uint64_t power = 1ULL << bit;
    for (const std::uint64_t value : {power - 1, power, power + 1, kMax - power, kMax / power})
      values.push_back(value);
  }
  return values;
}

void expect_exact(std::uint64_t a, std::uint64_t b) {
  ASSERT_EQ(checked_add(a, b), narrow(Wide{a} + b)) << a << " + " << b;
  ASSERT_EQ(checked_mul(a, b), narrow(Wide{a} * b)) << a << " * " << b;
  if (b == 0) return;
  ASSERT_EQ(checked_round_up(a, b), narrow((Wide{a} + b - 1) / b * b)) << a << " up to " << b;
}

TEST(Checked, EqualsWideArithmeticAroundEveryPowerOfTwo) {
  for (const std::uint64_t a : samples()) {
    for (const std::uint64_t b : samples()) expect_exact(a, b);
  }
}

TEST(Checked, EqualsWideArithmeticOnRandomNumbers) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 1'000'000; ++i) {
    // Shifted so that about half of the products fit 64 bits.
    const std::uint64_t a = random() >> (random() % 64), b = random() >> (random() % 64);
    expect_exact(a, b);
  }
}

TEST(Checked, WorksInConstantExpressions) {
  static_assert(checked_round_up(33, 32) == 64);
  static_assert(checked_round_up(64, 32) == 64);
  static_assert(!checked_round_up(kMax, 32));
  static_assert(!checked_mul(kMax, 2) && !checked_add(kMax, 1));
}

}  // namespace
}  // namespace longhand
