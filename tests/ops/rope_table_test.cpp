#include "ops/rope_table.h"

#include <gtest/gtest.h>

#include <cmath>

namespace longhand {
namespace {

TEST(RopeTable, PlainFrequencies) {
  const RopeTable t = make_rope_table({.rot = 8, .base = 10000});
  ASSERT_EQ(t.inv_freq.size(), 4u);
  EXPECT_DOUBLE_EQ(t.inv_freq[0], 1);
  EXPECT_NEAR(t.inv_freq[1], 0.1, 1e-15);
  EXPECT_NEAR(t.inv_freq[3], 0.001, 1e-15);
  EXPECT_EQ(t.magnitude, 1);
}

TEST(RopeTable, LinearAndDivisors) {
  const float divisors[] = {1, 2, 4, 8};
  const RopeTable t =
      make_rope_table({.rot = 8, .base = 10000, .rule = RopeRule::linear, .factor = 4, .divisors = divisors});
  EXPECT_DOUBLE_EQ(t.inv_freq[0], 0.25);
  EXPECT_NEAR(t.inv_freq[1], 0.1 / 8, 1e-15);
}

TEST(RopeTable, YarnKeepsFastPairsAndStretchesSlowOnes) {
  const RopeTable plain = make_rope_table({.rot = 64, .base = 10000});
  const RopeTable t = make_rope_table(
      {.rot = 64, .base = 10000, .rule = RopeRule::yarn, .factor = 4, .original_context = 2048});
  EXPECT_DOUBLE_EQ(t.inv_freq[0], plain.inv_freq[0]);
  EXPECT_NEAR(t.inv_freq[31], plain.inv_freq[31] / 4, 1e-12);
  EXPECT_NEAR(t.magnitude, 1 + 0.1 * std::log(4), 1e-12);
}

TEST(RopeTable, AnglesCarryTheMagnitude) {
  RopeTable t = make_rope_table({.rot = 4, .base = 100});
  t.magnitude = 2;
  float cos[2], sin[2];
  rope_angles(t, 3, cos, sin);
  EXPECT_NEAR(cos[1], 2 * std::cos(0.3), 1e-6);
  EXPECT_NEAR(sin[0], 2 * std::sin(3), 1e-6);
}

}  // namespace
}  // namespace longhand
