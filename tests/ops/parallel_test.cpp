#include "ops/parallel.h"

#include <gtest/gtest.h>

#include <vector>

#include "ops/machine.h"

namespace longhand {
namespace {

TEST(Team, StagesSeeWhatTheOneBeforeWrote) {
  for (const int workers : {1, 2, 3, 8}) {
    std::vector<int> a(1000), b(1000);
    Team(workers).run([&](const Worker& w) {
      for (int round = 1; round <= 50; ++round) {
        const Range r = w.split(1000, 16);
        for (auto i = r.begin; i < r.end; ++i) a[std::size_t(i)] = round * int(i);
        w.sync();
        for (auto i = r.begin; i < r.end; ++i) b[std::size_t(i)] = a[std::size_t(999 - i)];
        w.sync();
      }
    });
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(b[std::size_t(i)], 50 * (999 - i)) << workers;
  }
}

TEST(Team, SplitCoversEverythingOnceInWholeGrains) {
  for (const int count : {1, 2, 3, 7}) {
    for (const int n : {0, 1, 15, 16, 17, 100}) {
      std::int64_t next = 0;
      for (int id = 0; id < count; ++id) {
        const Range r = Worker{id, count, nullptr}.split(n, 16);
        EXPECT_EQ(r.begin, next);
        EXPECT_TRUE(r.begin % 16 == 0 || r.begin == n);
        next = r.end;
      }
      EXPECT_EQ(next, n);
    }
  }
}

TEST(Machine, GrantsAtLeastOneCoreAndSomeMemory) {
  EXPECT_GE(usable_cores(), 1);
  EXPECT_GT(available_memory(), std::uint64_t{1} << 20);
}

}  // namespace
}  // namespace longhand
