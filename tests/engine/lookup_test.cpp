#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/run/speculate/guesser.h"

namespace longhand {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<Token> guesses(std::vector<Token> text, int most = 4) {
  const Token next = text.back();
  text.pop_back();
  const auto lookup = make_lookup();
  const auto found = lookup->propose(text, next, most);
  return {found.begin(), found.end()};
}

TEST(Lookup, GoesOnAsItDidBefore) {
  EXPECT_THAT(guesses({1, 2, 3, 4, 5, 6, 9, 1, 2}), ElementsAre(3, 4, 5, 6));
  EXPECT_THAT(guesses({1, 2, 3, 4, 5, 6, 9, 1, 2}, 2), ElementsAre(3, 4));
}

TEST(Lookup, OneTokenIsNoRepetition) {
  EXPECT_THAT(guesses({1, 2, 3, 9, 1}), IsEmpty());
  EXPECT_THAT(guesses({1}), IsEmpty());
  EXPECT_THAT(guesses({1, 1}), IsEmpty());
}

TEST(Lookup, TheLatestOfThoseThatAgreeForLongest) {
  EXPECT_THAT(guesses({1, 2, 7, 9, 1, 2, 8, 9, 1, 2}, 1), ElementsAre(8));
  EXPECT_THAT(guesses({5, 1, 2, 7, 9, 1, 2, 8, 5, 1, 2}, 1), ElementsAre(7));
  // Four are enough.
  EXPECT_THAT(guesses({6, 3, 5, 1, 2, 7, 4, 3, 5, 1, 2, 8, 6, 3, 5, 1, 2}, 1), ElementsAre(8));
}

TEST(Lookup, RepetitionsUpToTheEndGoRound) {
  EXPECT_THAT(guesses({1, 2, 1, 2}, 5), ElementsAre(1, 2, 1, 2, 1));
  EXPECT_THAT(guesses({4, 4, 4}, 3), ElementsAre(4, 4, 4));
}

}  // namespace
}  // namespace longhand
