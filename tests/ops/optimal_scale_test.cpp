#include "ops/optimal_scale.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ops/error.h"

namespace longhand {
namespace {

constexpr auto kNormal = ScoreDistribution::normal, kCosine = ScoreDistribution::cosine;

TEST(OptimalScale, PublishedFitsHoldWithinTenPercent) {
  for (double n = 1024; n <= 20000; n += 512) {
    EXPECT_NEAR(optimal_scale(n, 128, kNormal) / (0.84 * std::sqrt(std::log(n))), 1, 0.10) << n;
    EXPECT_NEAR(optimal_scale(n, 128, kCosine) / (3.5 * std::log(n)), 1, 0.10) << n;
  }
}

TEST(OptimalScale, FitsAreWorseForShortTexts) {
  const double normal = 0.84 * std::sqrt(std::log(40)) / optimal_scale(40, 128, kNormal);
  const double cosine = 3.5 * std::log(40) / optimal_scale(40, 128, kCosine);
  EXPECT_NEAR(std::abs(normal - 1), 0.12, 0.01);
  EXPECT_NEAR(std::abs(cosine - 1), 0.23, 0.01);
}

// The objective itself, its expectations as plain integrals over the density.
double objective(double alpha, double n, int d, ScoreDistribution distribution) {
  double one = 0, two = 0, mass = 0;
  const double reach = distribution == kNormal ? 20 : 1;
  constexpr int kSteps = 40000;
  for (int i = 0; i < kSteps; ++i) {
    const double s = reach * (2 * (i + 0.5) / kSteps - 1);
    const double density =
        distribution == kNormal ? std::exp(-s * s / 2) : std::pow(1 - s * s, (d - 3) / 2.0);
    mass += density;
    one += density * std::exp(alpha * s);
    two += density * std::exp(2 * alpha * s);
  }
  return alpha * (1 - two * mass / (one * one) / n);
}

TEST(OptimalScale, IsTheMaximumOfItsDefinition) {
  for (const auto distribution : {kNormal, kCosine}) {
    for (const int d : {16, 64, 128}) {
      for (const double n : {40.0, 1024.0, 131072.0}) {
        const double alpha = optimal_scale(n, d, distribution);
        const double best = objective(alpha, n, d, distribution);
        EXPECT_GT(best, objective(alpha * 1.01, n, d, distribution)) << n << " " << d;
        EXPECT_GT(best, objective(alpha * 0.99, n, d, distribution)) << n << " " << d;
      }
    }
  }
}

TEST(OptimalScale, GrowsWithTheLengthFromZero) {
  for (const auto distribution : {kNormal, kCosine}) {
    EXPECT_NEAR(optimal_scale(1, 64, distribution), 0, 1e-9);
    double last = 0;
    for (double n = 2; n <= 1e12; n *= 10) {
      const double alpha = optimal_scale(n, 64, distribution);
      EXPECT_TRUE(std::isfinite(alpha));
      EXPECT_GT(alpha, last);
      last = alpha;
    }
  }
}

TEST(OptimalScale, RefusesWhatHasNoMaximum) {
  EXPECT_THROW(optimal_scale(0.5, 64, kNormal), Error);
  EXPECT_THROW(optimal_scale(std::numeric_limits<double>::quiet_NaN(), 64, kNormal), Error);
  EXPECT_THROW(optimal_scale(std::numeric_limits<double>::infinity(), 64, kNormal), Error);
  EXPECT_THROW(optimal_scale(1024, 7, kCosine), Error);
  EXPECT_NO_THROW(optimal_scale(1024, 0, kNormal));  // normal scores have no dimension
}

}  // namespace
}  // namespace longhand
