#include "engine/chat/forgetting.h"

#include <gtest/gtest.h>

#include <vector>

namespace longhand {
namespace {

constexpr std::size_t kSystem = 10;

// With turns of these lengths behind a system prompt.
std::size_t kept(const std::vector<std::size_t>& turns, std::size_t first, std::size_t context,
                 std::size_t reserve) {
  return first_kept_turn({first, turns.size() - 1, context, reserve}, [&](std::size_t from) {
    std::size_t tokens = kSystem;
    for (std::size_t i = from; i < turns.size(); ++i) tokens += turns[i];
    return tokens;
  });
}

TEST(FirstKeptTurn, HalfTheContextStays) {
  const std::vector<std::size_t> turns(10, 10);  // 110 tokens
  EXPECT_EQ(kept(turns, 0, 100, 0), 6U);         // 50 stay
  EXPECT_EQ(kept(turns, 0, 100, 15), 8U);        // 30 and the answer
  EXPECT_EQ(kept(turns, 7, 100, 0), 7U) << "what was forgotten stays so";
}

TEST(FirstKeptTurn, BehindALongMessageStaysWhatFits) {
  EXPECT_EQ(kept({30, 30, 20, 10, 40}, 0, 100, 10), 2U);
  EXPECT_EQ(kept({30, 30, 20, 80}, 0, 100, 10), 3U);
}

TEST(FirstKeptTurn, TheLastTurnStaysThoughItDoesNotFit) {
  EXPECT_EQ(kept({30, 200}, 0, 100, 10), 1U);
  EXPECT_EQ(kept({30, 20}, 0, 100, 200), 1U);
}

}  // namespace
}  // namespace longhand
