// How much of which prompt a pass of the scheduler reads.
#include "engine/serve/pass_plan.h"

#include <gmock/gmock.h>

#include <vector>

namespace longhand {
namespace {

using testing::ElementsAre;

TEST(PassPlan, SharesAreEven) {
  EXPECT_THAT(share_evenly(std::vector{100, 5, 100}, 45), ElementsAre(20, 5, 20));
  EXPECT_THAT(share_evenly(std::vector{100, 0, 7}, 200), ElementsAre(100, 0, 7));
  EXPECT_THAT(share_evenly(std::vector{9, 9, 9}, 2), ElementsAre(0, 1, 1));
  EXPECT_THAT(share_evenly(std::vector<int>{}, 2), ElementsAre());
}

// Of a machine that takes 20 ms for a pass and 5 ms more for each token of a prompt.
TEST(PassPlan, APassTakesNoLongerThanWanted) {
  PassBudget budget(0.25, 512);
  const auto seconds = [](int prompt, int writing) { return 0.02 + 0.005 * prompt + 0.0001 * writing; };
  EXPECT_EQ(budget.prompt_tokens(0), 512) << "nobody waits";
  for (int pass = 0; pass < 50; ++pass) {
    const int prompt = pass % 3 == 0 ? 0 : budget.prompt_tokens(4);
    if (pass > 3) { EXPECT_LE(seconds(prompt, 4), 0.25 + 1e-6); }
    budget.note(prompt, 4, seconds(prompt, 4));
  }
  EXPECT_GE(budget.prompt_tokens(4), 44) << "and reads as much as that allows";
  budget.note(46, 4, 2.0);
  EXPECT_LE(budget.prompt_tokens(4), 8) << "a slow pass counts at once";
}

}  // namespace
}  // namespace longhand
