// Every stage against a plain reference that sorts everything, over random logits.
#include "engine/sampling/sampler_stages.h"

#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <set>

namespace longhand {
namespace {

using testing::ElementsAre;

constexpr float kInf = std::numeric_limits<float>::infinity();

struct Ranked {
  Token id;
  double logit, probability;
  double oddity = 0.0;  // of typical_p
};

// All finite logits best first, with probabilities.
std::vector<Ranked> ranking(const std::vector<float>& logits) {
  std::vector<Ranked> all;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] != -kInf) all.push_back({Token(i), logits[i], 0.0, 0.0});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Ranked& a, const Ranked& b) { return a.logit > b.logit; });
  double total = 0.0;
  for (Ranked& r : all) total += r.probability = std::exp(r.logit - all.front().logit);
  for (Ranked& r : all) r.probability /= total;
  return all;
}

std::vector<Token> ids(const std::vector<Candidate>& list) {
  std::vector<Token> out;
  for (const Candidate& c : list) out.push_back(c.id);
  return out;
}

std::vector<Token> ids(const std::vector<Ranked>& list) {
  std::vector<Token> out;
  for (const Ranked& c : list) out.push_back(c.id);
  return out;
}

// As a set; gmock's unordered matchers are quadratic.
std::vector<Token> sorted(std::vector<Token> tokens) {
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

Candidates loaded(const std::vector<float>& logits) {
  Candidates c;
  EXPECT_FALSE(c.load(logits).has_value());
  return c;
}

double normal(Random& random) {
  double sum = -6.0;
  for (int i = 0; i < 12; ++i) sum += random.uniform();
  return sum;
}

// Sizes around the block and bucket limits; logits of several widths, some with many ties or suppressed
// tokens.
std::vector<std::vector<float>> samples() {
  std::vector<std::vector<float>> all;
  Random random(11);
  for (const std::size_t size : {1, 2, 7, 31, 32, 33, 100, 256, 257, 1000, 5000}) {
    for (const double width : {0.1, 2.0, 8.0}) {
      for (const int kind : {0, 1, 2}) {
        std::vector<float> logits(size);
        for (float& x : logits) {
          x = float(normal(random) * width);
          if (kind == 1) x = std::round(x);
          if (kind == 2 && random.uniform() < 0.3) x = -kInf;
        }
        if (kind == 2) logits[size / 2] = 1.0f;
        all.push_back(std::move(logits));
      }
    }
  }
  return all;
}

TEST(Stages, TopKKeepsTheBestInOrderAndLowIdsOfEquals) {
  for (const auto& logits : samples()) {
    for (const std::size_t k : {1u, 2u, 5u, 40u, 300u, 100000u}) {
      std::vector<Ranked> expected = ranking(logits);
      expected.resize(std::min(k, expected.size()));
      Candidates dense = loaded(logits);
      top_k(dense, k);
      ASSERT_EQ(ids(dense.list()), ids(expected)) << logits.size() << " " << k;
      Candidates list = loaded(logits);
      list.list();
      top_k(list, k);
      ASSERT_EQ(ids(list.list()), ids(expected)) << logits.size() << " " << k;
    }
  }
}

TEST(Stages, TopKOfRisingLogitsTheWorstCaseOfTheScan) {
  std::vector<float> logits(10000);
  std::iota(logits.begin(), logits.end(), 0.0f);
  Candidates c = loaded(logits);
  top_k(c, 3);
  EXPECT_THAT(ids(c.list()), ElementsAre(9999, 9998, 9997));
}

TEST(Stages, TopPKeepsTheSmallestSetReachingP) {
  for (const auto& logits : samples()) {
    for (const double p : {0.0, 0.1, 0.5, 0.9, 0.95, 0.999}) {
      for (const std::size_t min_keep : {0u, 3u}) {
        std::vector<Ranked> expected = ranking(logits);
        double sum = 0.0;
        std::size_t n = 0;
        while (n < expected.size() && (n == 0 || sum < p || n < min_keep)) sum += expected[n++].probability;
        expected.resize(n);
        Candidates c = loaded(logits);
        top_p(c, p, min_keep);
        // Sums differ in the last bits, which matters only if p is hit exactly.
        if (std::abs(sum - p) < 1e-12 || std::abs(sum - expected.back().probability - p) < 1e-12) continue;
        ASSERT_EQ(sorted(ids(c.list())), sorted(ids(expected))) << logits.size() << " " << p;
      }
    }
  }
}

TEST(Stages, FiltersKeepASortedListSorted) {
  for (const auto& logits : samples()) {
    Candidates c = loaded(logits);
    top_k(c, 500);
    top_p(c, 0.8, 0);
    min_p(c, 0.01, 0);
    ASSERT_TRUE(std::is_sorted(c.list().begin(), c.list().end(), better));
  }
}

TEST(Stages, MinPComparesWithTheLargest) {
  for (const auto& logits : samples()) {
    const std::vector<Ranked> all = ranking(logits);
    for (const double p : {0.001, 0.05, 0.5, 1.0}) {
      for (const std::size_t min_keep : {0u, 4u}) {
        std::vector<Token> expected;
        for (const Ranked& r : all) {
          const bool near = r.logit >= float(all.front().logit + std::log(p));
          if (near || expected.size() < min_keep) expected.push_back(r.id);
        }
        Candidates dense = loaded(logits);
        min_p(dense, p, min_keep);
        ASSERT_EQ(sorted(ids(dense.list())), sorted(expected));
        Candidates list = loaded(logits);
        list.list();
        min_p(list, p, min_keep);
        ASSERT_EQ(sorted(ids(list.list())), sorted(expected));
      }
    }
  }
}

TEST(Stages, TypicalPKeepsTheLeastAtypical) {
  for (const auto& logits : samples()) {
    for (const double p : {0.1, 0.5, 0.9}) {
      std::vector<Ranked> all = ranking(logits);
      double entropy = 0.0;
      for (const Ranked& r : all) entropy -= r.probability * std::log(r.probability);
      for (Ranked& r : all) r.oddity = std::abs(-std::log(r.probability) - entropy);
      std::stable_sort(all.begin(), all.end(),
                       [](const Ranked& a, const Ranked& b) { return a.oddity < b.oddity; });
      double sum = 0.0;
      std::size_t n = 0;
      while (n < all.size() && (n == 0 || sum < p)) sum += all[n++].probability;
      // Equal logits and exact hits are decided by rounding.
      if (n < all.size() && all[n].oddity - all[n - 1].oddity < 1e-9) continue;
      if (std::abs(sum - p) < 1e-9) continue;
      all.resize(n);
      Candidates c = loaded(logits);
      typical_p(c, p, 0);
      ASSERT_EQ(sorted(ids(c.list())), sorted(ids(all))) << logits.size() << " " << p;
    }
  }
}

TEST(Stages, TopNSigmaCutsByDeviation) {
  for (const auto& logits : samples()) {
    const std::vector<Ranked> all = ranking(logits);
    double mean = 0.0;
    for (const Ranked& r : all) mean += r.logit / double(all.size());
    double variance = 0.0;
    for (const Ranked& r : all) variance += (r.logit - mean) * (r.logit - mean) / double(all.size());
    for (const double n : {0.5, 1.0, 2.0}) {
      const double threshold = all.front().logit - n * std::sqrt(variance);
      std::vector<Token> expected;
      bool close = false;
      for (const Ranked& r : all) {
        close = close || (std::abs(r.logit - threshold) < 1e-5 && all.size() > 1);
        if (r.logit >= threshold - 1e-7) expected.push_back(r.id);
      }
      if (close) continue;
      Candidates c = loaded(logits);
      top_n_sigma(c, n);
      ASSERT_EQ(sorted(ids(c.list())), sorted(expected)) << logits.size() << " " << n;
    }
  }
}

TEST(Stages, XtcLeavesTheLeastLikelyOfTheLikely) {
  const std::vector<float> logits = {std::log(0.4f), std::log(0.05f), std::log(0.3f), std::log(0.2f),
                                     std::log(0.05f)};
  Random random(1);
  Candidates c = loaded(logits);
  xtc(c, {1.0, 0.1, 0}, random);
  EXPECT_THAT(ids(c.list()), ElementsAre(1, 3, 4));
  Candidates kept = loaded(logits);
  xtc(kept, {1.0, 0.1, 4}, random);
  EXPECT_EQ(kept.list().size(), 5u) << "min_keep forbids it";
  Candidates one = loaded(logits);
  xtc(one, {1.0, 0.35, 0}, random);
  EXPECT_EQ(one.list().size(), 5u) << "a single likely token stays";
  int removed = 0;
  for (int i = 0; i < 2000; ++i) {
    Candidates sometimes = loaded(logits);
    xtc(sometimes, {0.25, 0.1, 0}, random);
    removed += sometimes.list().size() == 3 ? 1 : 0;
  }
  EXPECT_NEAR(removed, 500, 80);
}

TEST(Stages, TemperatureScalesDifferences) {
  Candidates c = loaded({1.0f, 3.0f, 2.0f});
  temperature(c, {.temperature = 0.5});
  EXPECT_FLOAT_EQ(c.list()[1].logit - c.list()[0].logit, 4.0f);
  EXPECT_FLOAT_EQ(c.list()[1].logit - c.list()[2].logit, 2.0f);
}

TEST(Stages, TinyTemperatureIsTheLimitNotAnOverflow) {
  Random random(5);
  for (const double t : {1e-6, 1e-30, 1e-300}) {
    for (const float base : {-50.0f, 0.0f, 50.0f}) {
      Candidates c = loaded({base + 1.0f, base + 3.0f, base + 2.0f, -kInf});
      temperature(c, {.temperature = t});
      EXPECT_EQ(draw(c, random).id, 1) << t << " " << base;
    }
  }
}

TEST(Stages, DynamicTemperatureFollowsEntropy) {
  const TemperatureOptions options{.temperature = 1.0, .range = 0.5, .exponent = 1.0};
  Candidates flat = loaded({2.0f, 2.0f, 2.0f});
  temperature(flat, options);  // greatest entropy: 1.5
  EXPECT_NEAR(flat.list()[0].logit, 2.0 / 1.5, 1e-6);
  Candidates sharp = loaded({100.0f, 0.0f, 0.0f});
  temperature(sharp, options);  // none: 0.5
  EXPECT_NEAR(sharp.list()[0].logit, 200.0, 1e-3);
  const double h = -(0.75 * std::log(0.75) + 0.25 * std::log(0.25)) / std::log(2.0);
  Candidates between = loaded({std::log(3.0f), 0.0f});
  temperature(between, {.temperature = 1.0, .range = 0.5, .exponent = 2.0});
  EXPECT_NEAR(between.list()[0].logit, std::log(3.0) / (0.5 + h * h), 1e-6);
}

// Pearson's statistic of `draws` draws; its mean is the degrees of freedom, its deviation sqrt(2 * dof).
double chi_square(const std::vector<double>& probabilities, const std::function<Token()>& draw_one,
                  int draws) {
  std::vector<int> counts(probabilities.size(), 0);
  for (int i = 0; i < draws; ++i) ++counts.at(std::size_t(draw_one()));
  double sum = 0.0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = probabilities[i] * draws;
    if (probabilities[i] == 0.0) {
      EXPECT_EQ(counts[i], 0);
      continue;
    }
    sum += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  return sum;
}

TEST(Stages, DrawFollowsTheSoftmax) {
  const std::vector<double> p = {0.1, 0.0, 0.25, 0.05, 0.4, 0.2};
  std::vector<float> logits;
  for (const double x : p) logits.push_back(float(std::log(x)));
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    Random random(seed);
    Candidates c = loaded(logits);
    const double statistic = chi_square(
        p, [&] { return draw(c, random).id; }, 100000);
    EXPECT_LT(statistic, 18.5) << "0.999 quantile of chi-square with 4 degrees of freedom is 18.47";
  }
}

TEST(Candidates, LoadNamesTheFirstBadLogit) {
  for (const std::size_t at : {0u, 5u, 31u, 32u, 63u, 64u, 99u}) {
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), kInf}) {
      std::vector<float> logits(100, -kInf);
      logits[at] = bad;
      Candidates c;
      EXPECT_EQ(c.load(logits), Token(at));
    }
  }
}

TEST(Candidates, BestTakesTheLowestIdOfEquals) {
  EXPECT_EQ(loaded({1, 5, 5, 2}).best()->id, 1);
  EXPECT_FALSE(loaded({-kInf, -kInf}).best().has_value());
}

TEST(Random, NumbersAreTheSameEverywhere) {
  Random random(42);
  for (const std::uint64_t expected : {0x57E1FABA65107204u, 0xF4ABD143FEB24055u, 0x7C816738C12903B2u}) {
    EXPECT_EQ(random.next(), expected);
  }
  Random copy = random;
  EXPECT_EQ(random.next(), copy.next());
  double sum = 0.0;
  for (int i = 0; i < 100000; ++i) {
    const double u = random.uniform();
    ASSERT_TRUE(u >= 0.0 && u < 1.0);
    sum += u;
  }
  EXPECT_NEAR(sum / 100000, 0.5, 0.005);
}

TEST(PortableExp, IsAccurate) {
  for (double x = 0.0; x > -700.0; x -= 0.0137) ASSERT_NEAR(portable_exp(x) / std::exp(x), 1.0, 1e-15) << x;
  EXPECT_EQ(portable_exp(0.0), 1.0);
  EXPECT_EQ(portable_exp(-std::numeric_limits<double>::infinity()), 0.0);
  EXPECT_EQ(portable_exp(-1e300), 0.0);
}

}  // namespace
}  // namespace longhand
