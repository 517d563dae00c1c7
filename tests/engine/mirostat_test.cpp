#include "engine/sampling/mirostat.h"

#include <gmock/gmock.h>

#include <cmath>

namespace longhand {
namespace {

// Zipf-like logits: p(rank) ~ rank^-1.1.
std::vector<float> zipf(std::size_t size) {
  std::vector<float> logits(size);
  for (std::size_t i = 0; i < size; ++i) logits[i] = float(-1.1 * std::log(double(i) + 1.0));
  return logits;
}

TEST(Mirostat, MeanSurpriseApproachesTheTarget) {
  const std::vector<float> logits = zipf(5000);
  for (const int version : {1, 2}) {
    for (const float target : {2.0f, 4.0f}) {
      SamplerOptions options;
      options.mirostat = version;
      options.mirostat_tau = target;
      Mirostat mirostat(options);
      Random random(3);
      double sum = 0.0;
      constexpr int kDraws = 2000;
      for (int i = 0; i < kDraws; ++i) {
        Candidates c;
        ASSERT_FALSE(c.load(logits).has_value());
        const double before = mirostat.bound();
        mirostat.draw(c, logits.size(), random);
        mirostat.commit();
        // bound' = bound - eta * (surprise - target)
        sum += target - (mirostat.bound() - before) / options.mirostat_eta;
      }
      EXPECT_NEAR(sum / kDraws, target, 0.15) << version << " " << target;
    }
  }
}

TEST(Mirostat, SecondVersionDropsWhatSurprisesTooMuch) {
  SamplerOptions options;
  options.mirostat = 2;
  options.mirostat_tau = 1.0f;  // bound 2 bits: p >= 1/4
  Mirostat mirostat(options);
  Random random(3);
  Candidates c;
  ASSERT_FALSE(c.load(std::vector<float>{std::log(0.5f), std::log(0.3f), std::log(0.2f)}).has_value());
  mirostat.draw(c, 3, random);
  EXPECT_EQ(c.list().size(), 2u);
}

TEST(Mirostat, FlatAndSingleCandidatesAreFine) {
  for (const int version : {1, 2}) {
    for (const std::size_t size : {1u, 2u, 50u}) {
      SamplerOptions options;
      options.mirostat = version;
      Mirostat mirostat(options);
      Random random(3);
      Candidates c;
      ASSERT_FALSE(c.load(std::vector<float>(size, 1.0f)).has_value());
      mirostat.draw(c, size, random);
      mirostat.commit();
      EXPECT_TRUE(std::isfinite(mirostat.bound()));
    }
  }
}

}  // namespace
}  // namespace longhand
