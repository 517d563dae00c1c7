#include "engine/state/attention/merge_costs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "ops/buffer.h"
#include "ops/kernel_table.h"

namespace longhand {
namespace {

constexpr int kHeads = 2, kHead = 1, kCodes = 37, kDim = 24;
constexpr float kFar = std::numeric_limits<float>::infinity();

// A codebook whose costs are also computed from their definition.
class MergeCostsOf : public testing::TestWithParam<const Kernels*> {
 protected:
  MergeCostsOf() : scratch_(costs_.scratch_bytes()), at_{*GetParam(), scratch_.data(), kHead} {
    costs_.reserve();
    for (float& w : weights_) w = std::abs(number()) + 0.1f;
    costs_.begin(kHead, vector().data(), weights_.data());
  }

  float number() { return normal_(random_); }
  // Far from the origin, as keys with a bias are.
  std::vector<float> vector() {
    std::vector<float> x(kDim);
    for (std::size_t d = 0; d < x.size(); ++d) x[d] = number() + (d == 3 ? 300.0f : 0.0f);
    return x;
  }
  void set(std::size_t code, const std::vector<float>& mean, unsigned keys) {
    means_[code] = mean;
    keys_[code] = keys;
    costs_.set(kHead, int(code), mean.data(), keys);
  }
  double cost(const std::vector<float>& a, double n, const std::vector<float>& b, double m) const {
    double sum = 0;
    for (std::size_t d = 0; d < a.size(); ++d) {
      const double off = double(a[d]) - double(b[d]);
      sum += double(weights_[d]) * off * off;
    }
    return n * m / (n + m) * sum;
  }
  // The cheapest merge of two codes by trying all.
  double cheapest() const {
    double least = double(kFar);
    for (std::size_t a = 0; a < means_.size(); ++a) {
      for (std::size_t b = 0; b < a; ++b)
        least = std::min(least, cost(means_[a], keys_[a], means_[b], keys_[b]));
    }
    return least;
  }
  void expect_tightest() {
    const auto found = costs_.tightest(at_, kFar);
    const auto a = std::size_t(found.code), b = std::size_t(costs_.partner(kHead, found.code));
    ASSERT_LT(b, means_.size());
    ASSERT_NE(a, b);
    EXPECT_NEAR(found.cost, cheapest(), 1e-3 * (1 + cheapest()));
    EXPECT_NEAR(cost(means_[a], keys_[a], means_[b], keys_[b]), cheapest(), 1e-3 * (1 + cheapest()));
    EXPECT_TRUE(costs_.sound(kHead, kCodes));
  }

  std::mt19937 random_{3};
  std::normal_distribution<float> normal_;
  std::vector<float> weights_ = std::vector<float>(kDim);
  std::vector<std::vector<float>> means_ = std::vector<std::vector<float>>(kCodes);
  std::vector<unsigned> keys_ = std::vector<unsigned>(kCodes);
  MergeCosts costs_{kHeads, kCodes, kDim};
  Buffer scratch_;
  MergeCosts::Place at_;
};

// Codes move, join and start anew; however often, the cheapest pair is that of the definition.
TEST_P(MergeCostsOf, StayThoseOfTheDefinition) {
  for (std::size_t c = 0; c < kCodes; ++c) {
    const auto key = vector();
    EXPECT_EQ(costs_.of_key(at_, key.data()).cost == kFar, c == 0);
    set(c, key, 1);
    costs_.link_key(at_, int(c));
  }
  for (int step = 0; step < 400; ++step) {
    const auto key = vector();
    const auto nearest = costs_.of_key(at_, key.data());
    double least = double(kFar);
    for (std::size_t c = 0; c < kCodes; ++c) least = std::min(least, cost(key, 1, means_[c], keys_[c]));
    ASSERT_NEAR(nearest.cost, least, 1e-3 * (1 + least));
    if (step % 3 == 0) {
      set(std::size_t(nearest.code), vector(), keys_[std::size_t(nearest.code)] + 1);
      costs_.relink(at_, nearest.code);
    } else {
      const int tight = costs_.tightest(at_, kFar).code, freed = costs_.partner(kHead, tight);
      set(std::size_t(tight), vector(), keys_[std::size_t(tight)] + keys_[std::size_t(freed)]);
      set(std::size_t(freed), key, 1);
      costs_.forget(kHead, freed);
      costs_.relink(at_, tight);
      costs_.link_key(at_, freed, tight);
    }
    if (step % 5 != 0) continue;
    expect_tightest();
    if (HasFatalFailure()) return;
  }
}

TEST_P(MergeCostsOf, NothingIsFoundWhereThereIsNothing) {
  EXPECT_EQ(costs_.of_key(at_, vector().data()).cost, kFar);
  set(0, vector(), 5);
  costs_.relink(at_, 0);
  EXPECT_EQ(costs_.tightest(at_, kFar).cost, kFar) << "one code has no partner";
  EXPECT_TRUE(costs_.sound(kHead, 1));
  EXPECT_FALSE(costs_.sound(kHead, 0));
  set(1, means_[0], 2);
  costs_.relink(at_, 1);
  EXPECT_NEAR(costs_.tightest(at_, kFar).cost, 0, 1e-3) << "two codes that are the same";
}

INSTANTIATE_TEST_SUITE_P(Every, MergeCostsOf,
                         testing::ValuesIn(available_kernels().begin(), available_kernels().end()),
                         [](const auto& kernels) { return std::string(kernels.param->name); });

}  // namespace
}  // namespace longhand
