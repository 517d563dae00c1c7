#include "engine/make/quantize/choose_types.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace longhand {
namespace {

using Choices = std::vector<std::vector<TypeChoice>>;

struct Sum {
  std::uint64_t bytes = 0;
  double loss = 0;
};

Sum sum_of(const Choices& tensors, const std::vector<std::size_t>& chosen) {
  Sum sum;
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    sum.bytes += tensors[t][chosen[t]].bytes;
    sum.loss += tensors[t][chosen[t]].loss;
  }
  return sum;
}

// By trying all.
double least_loss(const Choices& tensors, std::uint64_t budget, std::size_t t = 0) {
  if (t == tensors.size()) return 0;
  double least = std::numeric_limits<double>::infinity();
  for (const TypeChoice& c : tensors[t]) {
    if (c.bytes > budget) continue;
    least = std::min(least, c.loss + least_loss(tensors, budget - c.bytes, t + 1));
  }
  return least;
}

Choices random_choices(std::mt19937& random) {
  std::uniform_int_distribution<std::uint64_t> size(10, 200);
  std::uniform_real_distribution<double> loss(0.1, 2);
  Choices tensors(5);
  for (auto& tensor : tensors) {
    const std::uint64_t weights = size(random);
    const double scale = loss(random);
    for (std::uint32_t bits = 2; bits <= 7; ++bits)
      tensor.push_back({bits, weights * bits, scale * loss(random) * std::pow(0.25, bits)});
  }
  return tensors;
}

TEST(ChooseTypes, NeverExceedsTheBudgetAndComesNearTheLeastLoss) {
  std::mt19937 random(5);
  for (int trial = 0; trial < 200; ++trial) {
    const Choices tensors = random_choices(random);
    const std::uint64_t budget = std::uniform_int_distribution<std::uint64_t>(500, 3000)(random);
    const auto chosen = choose(tensors, budget);
    const double least = least_loss(tensors, budget);
    if (std::isinf(least)) {
      EXPECT_TRUE(chosen.empty());
      continue;
    }
    ASSERT_EQ(chosen.size(), tensors.size());
    const Sum sum = sum_of(tensors, chosen);
    EXPECT_LE(sum.bytes, budget);
    // One step of one tensor may be left over.
    EXPECT_LE(sum.loss, 4 * least) << trial;
  }
}

TEST(ChooseTypes, TakesTheBestOfAllWhereThereIsRoom) {
  const Choices tensors = {{{0, 10, 3}, {1, 20, 2}, {2, 30, 2.5}}, {{3, 7, 1}}};
  const auto chosen = choose(tensors, 1000);
  EXPECT_EQ(chosen, (std::vector<std::size_t>{1, 0}));
}

TEST(ChooseTypes, SpendsBytesWhereTheySaveMost) {
  // The second tensor gains ten times as much for the same bytes.
  const Choices tensors = {{{0, 100, 1.0}, {1, 200, 0.9}}, {{0, 100, 1.0}, {1, 200, 0.0}}};
  EXPECT_EQ(choose(tensors, 300), (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(choose(tensors, 299), (std::vector<std::size_t>{0, 0}));
  EXPECT_TRUE(choose(tensors, 199).empty());
}

}  // namespace
}  // namespace longhand
