#include "ops/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "ops/host/machine.h"
#include "ops/host/pinning.h"

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

// Each worker runs on its CPUs, the caller's thread only while it works; then it may run where it might
// before.
TEST(Team, WorkersRunOnTheirCpus) {
  const std::vector<int> allowed = own_cpus();
  if (allowed.size() < 2) GTEST_SKIP() << "needs two CPUs";
  const std::vector<int> first{allowed[0]}, second{allowed[1]};
  std::vector<std::vector<int>> ran(2);
  Team team(2, {first, second});
  EXPECT_EQ(own_cpus(), allowed);
  for (int round = 0; round < 3; ++round) {
    team.run([&](const Worker& w) { ran[std::size_t(w.id)] = own_cpus(); });
    EXPECT_EQ(ran[0], first);
    EXPECT_EQ(ran[1], second);
    EXPECT_EQ(own_cpus(), allowed);
  }
  Team alone(1, {second});
  alone.run([&](const Worker&) { ran[0] = own_cpus(); });
  EXPECT_EQ(ran[0], second);
  EXPECT_EQ(own_cpus(), allowed);
  // A thread that was held to one CPU before is held to it afterwards.
  const Pinned here(second);
  team.run([&](const Worker& w) { ran[std::size_t(w.id)] = own_cpus(); });
  EXPECT_EQ(ran[0], first);
  EXPECT_EQ(own_cpus(), second);
}

TEST(Team, CountsTheCpusOfItsSets) {
  EXPECT_EQ(cpus_in({}), 0);
  EXPECT_EQ(cpus_in({{0, 1, 2, 3}}), 4);
  EXPECT_EQ(cpus_in({{0, 1}, {1, 2}, {5000}}), 4);
  EXPECT_EQ(cpus_in({{-1, 1 << 20}}), 0) << "no CPUs";
}

TEST(Team, SplitCoversEverythingOnceInWholeGrains) {
  for (const int count : {1, 2, 3, 7}) {
    for (const int n : {0, 1, 15, 16, 17, 100}) {
      std::int64_t next = 0;
      for (int id = 0; id < count; ++id) {
        const Range r = Worker{id, count}.split(n, 16);
        EXPECT_EQ(r.begin, next);
        EXPECT_TRUE(r.begin % 16 == 0 || r.begin == n);
        next = r.end;
      }
      EXPECT_EQ(next, n);
    }
  }
}

TEST(Team, EveryPieceIsDealtOnceHoweverTheWorkersGoThroughTheStages) {
  for (const int workers : {1, 2, 3, 8}) {
    constexpr int kStages = 200;
    std::vector<std::vector<std::atomic<int>>> taken(kStages);
    for (int stage = 0; stage < kStages; ++stage)
      taken[std::size_t(stage)] = std::vector<std::atomic<int>>(std::size_t(stage % 23));
    Team team(workers);
    for (int run = 1; run <= 3; ++run) {
      team.run([&](const Worker& w) {
        for (auto& stage : taken) {
          // Some stages follow each other without a barrier, and some workers come late.
          if (&stage - taken.data() == 7 * w.id) std::this_thread::sleep_for(std::chrono::milliseconds(1));
          w.deal(std::int64_t(stage.size()), [&](std::int64_t i) { ++stage[std::size_t(i)]; });
          if ((&stage - taken.data()) % 3 == 0) w.sync();
        }
      });
      for (const auto& stage : taken)
        for (const auto& times : stage) ASSERT_EQ(times.load(), run) << workers;
    }
  }
}

TEST(Team, WhatAWorkerDoesNotBeginOthersTakeOver) {
  std::atomic<int> done{0};
  int by_first = 0;
  Team(2).run([&](const Worker& w) {
    // The second worker comes to the stage only when the first has done all of it.
    while (w.id == 1 && done.load() < 100) std::this_thread::yield();
    w.deal(100, [&](std::int64_t) {
      by_first += w.id == 0 ? 1 : 0;
      ++done;
    });
  });
  EXPECT_EQ(by_first, 100);
}

TEST(Machine, GrantsAtLeastOneCoreAndSomeMemory) {
  EXPECT_GE(usable_cores(), 1);
  EXPECT_GT(available_memory(), std::uint64_t{1} << 20);
}

}  // namespace
}  // namespace longhand
