#include "engine/sampling/dry.h"

#include <gmock/gmock.h>

#include "ops/random.h"

namespace longhand {
namespace {

using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

// Token i is the letter 'a' + i.
Dry dry_after(const SamplerOptions& options, std::string_view text) {
  Dry dry(options, [](Token token) { return std::string(1, char('a' + token)); });
  for (const char c : text) {
    dry.prepare(c - 'a');
    dry.push(c - 'a');
  }
  return dry;
}

SamplerOptions on(int allowed_length = 2) {
  SamplerOptions options;
  options.dry_multiplier = 1.0f;
  options.dry_allowed_length = allowed_length;
  options.dry_breakers = {};
  return options;
}

TEST(Dry, FindsWhatWouldGoOnARepetition) {
  EXPECT_THAT(dry_after(on(), "abcxab").repeats(), UnorderedElementsAre(Pair('c' - 'a', 2)));
  EXPECT_THAT(dry_after(on(), "abcab").repeats(), UnorderedElementsAre(Pair('c' - 'a', 2)));
  EXPECT_THAT(dry_after(on(3), "abcxab").repeats(), IsEmpty());
  EXPECT_THAT(dry_after(on(), "xyzab").repeats(), IsEmpty());
}

TEST(Dry, LongestRepetitionCounts) {
  EXPECT_THAT(dry_after(on(), "abcdxbcdyabcd").repeats(),
              UnorderedElementsAre(Pair('x' - 'a', 4), Pair('y' - 'a', 3)));
}

TEST(Dry, AgreesWithTheDirectDefinition) {
  Random random(7);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    const std::size_t size = random.next() % 60;
    for (std::size_t i = 0; i < size; ++i) text += char('a' + random.next() % 3);
    SamplerOptions options = on(1 + int(random.next() % 3));
    options.dry_penalty_last_n = round % 2 == 0 ? -1 : 20;
    const std::size_t from = round % 2 == 0 || size < 20 ? 0 : size - 20;
    std::unordered_map<Token, int> expected;
    for (std::size_t next = from + 1; next < size; ++next) {
      std::size_t n = 0;
      while (n < next - from && text[next - 1 - n] == text[size - 1 - n]) ++n;
      if (n < std::size_t(options.dry_allowed_length)) continue;
      int& best = expected[text[next] - 'a'];
      best = std::max(best, int(n));
    }
    ASSERT_EQ(dry_after(options, text).repeats(), expected) << text;
  }
}

TEST(Dry, BreakersEndSequencesHoweverTheyAreTokenised) {
  SamplerOptions options = on(1);
  options.dry_breakers = {"bc"};
  EXPECT_THAT(dry_after(options, "xabcdexabcde").repeats(), UnorderedElementsAre(Pair('x' - 'a', 2)));
  EXPECT_THAT(dry_after(options, "xabcxabc").repeats(), IsEmpty()) << "the breaker has just ended";
}

TEST(Dry, PenaltyGrowsExponentially) {
  SamplerOptions options = on();
  options.dry_multiplier = 0.5f;
  options.dry_base = 2.0f;
  Candidates c;
  ASSERT_FALSE(c.load(std::vector<float>(26, 1.0f)).has_value());
  dry_after(options, "abcdexabcde").apply(c);
  EXPECT_FLOAT_EQ(c.logits()['x' - 'a'], 1.0f - 0.5f * 8.0f);
  EXPECT_FLOAT_EQ(c.logits()[0], 1.0f);
}

TEST(Dry, LongRepetitionsAreNoOverflow) {
  Candidates c;
  ASSERT_FALSE(c.load(std::vector<float>(26, 1.0f)).has_value());
  dry_after(on(), std::string(5000, 'a')).apply(c);
  EXPECT_EQ(c.best()->id, 1);
}

}  // namespace
}  // namespace longhand
