// What the pace makes of costs and luck, with a clock of the test's own.
#include "engine/run/speculate/pace.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

namespace longhand {
namespace {

// A machine and a text: what a batch takes, and how often a guess comes true.
struct World {
  std::function<double(int tokens)> batch;
  double share = 0;
  double guess = 0;  // seconds each
  std::mt19937 random{5};
};

struct Totals {
  int tokens = 0, guessed = 0, batches = 0;
  double seconds = 0;
};

Totals write(Pace& pace, World& world, int tokens) {
  Totals t;
  std::bernoulli_distribution right(world.share);
  while (t.tokens < tokens) {
    const int g = pace.length();
    if (g > 0) pace.guessed(g, g * world.guess);
    pace.fed(g + 1, world.batch(g + 1));
    t.seconds += g * world.guess + world.batch(g + 1);
    t.guessed += g;
    t.batches += g > 0;
    ++t.tokens;
    for (int i = 0; i < g; ++i) {
      const bool came = right(world.random);
      pace.judged(came);
      if (!came) break;
      ++t.tokens;
    }
  }
  return t;
}

double free_up_to_eight(int tokens) { return tokens <= 8 ? 1 + 0.02 * tokens : 0.25 * tokens; }
double every_token_costs(int tokens) { return tokens; }

TEST(Pace, KnowsASingleTokenFirst) {
  Pace pace(7);
  EXPECT_EQ(pace.length(), 0);
  for (int i = 0; i < 3; ++i) pace.fed(1, 1.0);
  EXPECT_GT(pace.length(), 0);
}

TEST(Pace, LongGuessesWhereTheyComeTrue) {
  Pace pace(15);
  World world{free_up_to_eight, 0.97};
  write(pace, world, 200);
  const Totals t = write(pace, world, 2000);
  EXPECT_LT(t.seconds, 2000 / 4.0);
  EXPECT_GT(double(t.guessed) / t.batches, 5);
}

TEST(Pace, ShortGuessesWhereFewComeTrue) {
  Pace pace(15);
  // More than two at once cost as much as they would alone.
  World world{[](int n) { return n <= 2 ? 1.1 : double(n); }, 0.4};
  write(pace, world, 200);
  const Totals t = write(pace, world, 2000);
  EXPECT_LT(t.seconds, 2000 * 0.9);
  EXPECT_LT(double(t.guessed) / t.batches, 1.5);
}

TEST(Pace, SwitchesOffWhereItLoses) {
  for (const double share : {0.0, 0.5}) {
    Pace pace(15);
    World world{every_token_costs, share};
    const Totals first = write(pace, world, 1000);
    const Totals then = write(pace, world, 10000);
    EXPECT_LT(first.seconds, 1000 * 1.15) << share;
    EXPECT_LT(then.seconds, 10000 * 1.02) << share;
    EXPECT_GT(then.batches, 5) << "tries again now and then";
  }
}

TEST(Pace, ADraftAsDearAsTheModelIsSwitchedOff) {
  Pace pace(7);
  World world{free_up_to_eight, 0.9, 1.0};
  write(pace, world, 1000);
  EXPECT_LT(write(pace, world, 10000).seconds, 10000 * 1.05);
}

TEST(Pace, ComesBackWhenTheTextChanges) {
  Pace pace(15);
  World world{[](int n) { return 1 + 0.3 * n; }, 0.0};
  write(pace, world, 500);
  world.share = 0.95;
  write(pace, world, 2048);  // the longest pause, and some
  EXPECT_LT(write(pace, world, 2000).seconds, 2000 * 1.3 / 1.5);
}

TEST(Pace, AccidentsOfTheClockDoNotMatter) {
  Pace pace(7);
  World world{free_up_to_eight, 0.9};
  const auto machine = world.batch;
  std::bernoulli_distribution disturbed(0.2);
  world.batch = [&, random = std::mt19937(3)](int n) mutable {
    return machine(n) * (disturbed(random) ? 10 : 1);
  };
  write(pace, world, 300);
  const Totals t = write(pace, world, 4000);
  EXPECT_GT(t.guessed, 3000);
}

TEST(Pace, NeverMoreThanAsked) {
  for (const int most : {1, 2, 5, 8}) {
    Pace pace(most);
    World world{free_up_to_eight, 1.0};
    const Totals t = write(pace, world, 500);
    EXPECT_LE(double(t.guessed) / t.batches, most);
  }
}

}  // namespace
}  // namespace longhand
