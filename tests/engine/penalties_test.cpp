#include "engine/sampling/penalties.h"

#include <gmock/gmock.h>

namespace longhand {
namespace {

std::vector<float> after(const SamplerOptions& options, const std::vector<Token>& seen,
                         std::vector<float> logits) {
  Penalties penalties(options);
  for (const Token token : seen) {
    penalties.prepare(token);
    penalties.push(token);
  }
  Candidates c;
  EXPECT_FALSE(c.load(logits).has_value());
  penalties.apply(c);
  // The same over a list.
  Candidates list;
  EXPECT_FALSE(list.load(logits).has_value());
  list.list();
  penalties.apply(list);
  for (const Candidate& x : list.list()) EXPECT_EQ(x.logit, c.logits()[std::size_t(x.id)]);
  return {c.logits().begin(), c.logits().end()};
}

TEST(Penalties, RepeatDividesPositiveAndMultipliesOthers) {
  SamplerOptions options;
  options.repeat_penalty = 2.0f;
  EXPECT_THAT(after(options, {0, 1, 1, 2}, {3, -3, 0, 3}), testing::ElementsAre(1.5f, -6.0f, 0.0f, 3.0f));
}

TEST(Penalties, FrequencyCountsAndPresenceDoesNot) {
  SamplerOptions options;
  options.frequency_penalty = 0.5f;
  options.presence_penalty = 0.25f;
  EXPECT_THAT(after(options, {0, 1, 1, 1}, {1, 1, 1}), testing::ElementsAre(0.25f, -0.75f, 1.0f));
}

TEST(Penalties, WindowForgetsOldTokens) {
  SamplerOptions options;
  options.presence_penalty = 1.0f;
  options.penalty_last_n = 2;
  EXPECT_THAT(after(options, {0, 1, 0, 2}, {0, 0, 0}), testing::ElementsAre(-1.0f, 0.0f, -1.0f));
  options.penalty_last_n = -1;
  EXPECT_THAT(after(options, {0, 1, 0, 2}, {0, 0, 0}), testing::ElementsAre(-1.0f, -1.0f, -1.0f));
  options.penalty_last_n = 0;
  EXPECT_THAT(after(options, {0, 1, 0, 2}, {0, 0, 0}), testing::ElementsAre(0.0f, 0.0f, 0.0f));
}

}  // namespace
}  // namespace longhand
