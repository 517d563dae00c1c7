// A session that was given a number of bytes, or a pace, keeps to it for as long as its text grows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "engine/longhand.h"
#include "ops/error.h"

namespace longhand {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kMiB = 1 << 20;
constexpr int kContext = 16384;

const Model& guide() {
  static const Model model = Model::load(LONGHAND_GUIDE "/guide-q8_0.gguf");
  return model;
}

SessionOptions adaptive(std::uint64_t budget) {
  SessionOptions o;
  o.context = kContext;
  o.threads = 2;
  o.memory_budget = budget;
  o.attention.memory = "auto";
  return o;
}

// Something to read: questions that the model knows, over and over.
std::vector<Token> text(int tokens) {
  std::vector<Token> out;
  for (int i = 0; int(out.size()) < tokens; ++i) {
    const auto more = guide().encode("<|im_start|>user\nWhat is " + std::to_string(i % 13) +
                                     " + 4?<|im_end|>\n<|im_start|>assistant\nA cow says moo.<|im_end|>\n");
    out.insert(out.end(), more.begin(), more.end());
  }
  out.resize(std::size_t(tokens));
  return out;
}

std::vector<float> copy(std::span<const float> s) { return {s.begin(), s.end()}; }

TEST(MemoryBudget, HoldsAtEveryLength) {
  for (const std::uint64_t budget : {19 * kMiB, 33 * kMiB}) {
    SCOPED_TRACE(budget / kMiB);
    Session session(guide(), adaptive(budget));
    const int exact = session.memory().exact_until;
    EXPECT_GT(session.memory().codes, 0);
    EXPECT_LT(exact, kContext);
    const auto ids = text(std::min(kContext, exact + 1100));
    bool in_summary = false;
    for (std::size_t at = 0; at < ids.size(); at += 300) {
      EXPECT_LE(session.memory().bytes, budget) << session.size();
      session.feed(std::span(ids).subspan(at, std::min<std::size_t>(300, ids.size() - at)));
      in_summary = in_summary || session.size() > exact;
    }
    EXPECT_TRUE(in_summary);
    EXPECT_LE(session.memory().bytes, budget);
    session.rewind(10);
    session.feed(std::span(ids).first(40));
    EXPECT_LE(session.memory().bytes, budget) << "after going back to where all was kept";
  }
}

std::uint64_t resident_bytes() {
  std::uint64_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * std::uint64_t(::sysconf(_SC_PAGESIZE));
}

// What the system counts, not what the session does.
TEST(MemoryBudget, IsWhatIsReallyTaken) {
  const SessionOptions o = adaptive(19 * kMiB);
  const Runner runner(guide(), runner_options(o));
  const auto ids = text(4000);
  Session(runner, o).feed(std::span(ids).first(600));  // the runner has its own memory from now on
  const std::uint64_t before = resident_bytes();
  Session session(runner, o);
  std::uint64_t most = 0;
  for (std::size_t at = 0; at < ids.size(); at += 500) {
    session.feed(std::span(ids).subspan(at, 500));
    most = std::max(most, resident_bytes());
  }
  EXPECT_GT(session.size(), session.memory().exact_until);
  EXPECT_LE(most, before + 19 * kMiB + 4 * kMiB);
}

TEST(MemoryBudget, TakesTheOptionsOfASummary) {
  SessionOptions o = adaptive(33 * kMiB);
  o.attention.codes = 96;
  o.attention.sinks = 2;
  o.attention.weighted = true;
  const SessionMemory memory = Session(guide(), o).memory();
  EXPECT_LT(memory.exact_until, kContext);
  EXPECT_EQ(memory.codes, 96);
  // They wait where the whole text fits, be it longer than the model was trained on or not.
  o.memory_budget = 1 << 30;
  EXPECT_EQ(Session(guide(), o).memory().codes, 0);
  o.context = 256;
  o.attention.window = 64;
  EXPECT_EQ(Session(guide(), o).memory().name, "full");
  o.attention.codes = 1 << 20;
  EXPECT_THROW(Session(guide(), o), Error) << "out of range";
  o.attention.codes = 96;
  o.memory_budget = 0;
  EXPECT_THROW(Session(guide(), o), Error) << "there is none to come";
}

TEST(MemoryBudget, MoreOfItKeepsMoreTokens) {
  int last = 0;
  for (const std::uint64_t budget : {24 * kMiB, 33 * kMiB, 48 * kMiB}) {
    const Session session(guide(), adaptive(budget));
    EXPECT_GT(session.memory().exact_until, last) << budget;
    last = session.memory().exact_until;
  }
  SessionOptions unbounded = adaptive(0);
  const std::uint64_t all = Session(guide(), unbounded).memory().bytes;
  const Session enough(guide(), adaptive(all));
  EXPECT_EQ(enough.memory().exact_until, kContext);
  EXPECT_EQ(enough.memory().codes, 0);
  EXPECT_LE(enough.memory().bytes, all);
}

TEST(MemoryBudget, NothingChangesWhileEveryTokenIsKept) {
  Session bounded(guide(), adaptive(33 * kMiB));
  const int exact = bounded.memory().exact_until;
  SessionOptions unbounded = adaptive(0);
  unbounded.attention.window = bounded.memory().window;
  Session whole(guide(), unbounded);
  ASSERT_GT(exact, 300);
  const auto ids = text(exact);
  EXPECT_EQ(copy(whole.feed(std::span(ids).first(300))), copy(bounded.feed(std::span(ids).first(300))));
  EXPECT_EQ(copy(whole.feed(std::span(ids).subspan(300))), copy(bounded.feed(std::span(ids).subspan(300))));
}

TEST(MemoryBudget, AForkReadsAgainWhatIsNotKeptAnyMore) {
  SessionOptions o = adaptive(40 * kMiB);
  o.key_cache = o.value_cache = CacheType::f32;
  Session session(guide(), o);
  const int exact = session.memory().exact_until;
  ASSERT_LT(exact, kContext - 2000);
  const auto ids = text(exact + 1500);
  session.feed(ids);
  Session fork = session.fork();
  fork.rewind(exact + 700);
  fork.rewind(300);
  Session fresh(guide(), o);
  fresh.feed(std::span(ids).first(300));
  const auto next = std::span(ids).subspan(300, 20);
  EXPECT_EQ(copy(fork.feed(next)), copy(fresh.feed(next)));
}

TEST(MemoryBudget, WhatCannotFitIsRefusedWithBothSizes) {
  const auto message = [](const SessionOptions& o) -> std::string {
    try {
      const Session session(guide(), o);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::no_memory);
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message(adaptive(kMiB)), HasSubstr("memory_budget is 1048576 bytes"));
  SessionOptions full = adaptive(12 * kMiB);
  full.attention.memory = "full";
  EXPECT_THAT(message(full), HasSubstr("memory_budget is 12582912 bytes"));
  SessionOptions stretched = adaptive(12 * kMiB);
  stretched.rope.scaling = RopeScaling::yarn;
  stretched.rope.auto_factor = true;
  EXPECT_THAT(message(stretched), HasSubstr("16384 tokens")) << "a way of its own with long texts stays";
}

// No machine is as fast as that, so that the watch must give in; what follows is what a session does that
// was told where to.
TEST(MinSpeed, OldTextIsRememberedInSummaryOnceWritingIsTooSlow) {
  SessionOptions o = adaptive(0);
  o.context = 2048;
  o.min_speed = 1e9f;
  Session session(guide(), o);
  const int before = session.memory().exact_until;
  const auto ids = text(900);
  for (std::size_t i = 0; i < 40; ++i) session.feed(std::span(ids).subspan(i, 1));
  EXPECT_EQ(session.memory().exact_until, before) << "a summary of a short text is no faster";
  session.feed(std::span(ids).subspan(40, 560));
  EXPECT_EQ(session.memory().exact_until, before) << "reading is no matter of pace";
  for (std::size_t i = 600; i < 614; ++i) session.feed(std::span(ids).subspan(i, 1));
  session.rewind(600);
  for (std::size_t i = 600; i < 614; ++i) session.feed(std::span(ids).subspan(i, 1));
  EXPECT_EQ(session.memory().exact_until, before) << "only tokens written in a row count";
  for (std::size_t i = 614; i < 620; ++i) session.feed(std::span(ids).subspan(i, 1));
  const SessionMemory memory = session.memory();
  EXPECT_LT(memory.exact_until, before);
  EXPECT_GT(memory.exact_until, 610);

  SessionOptions told = adaptive(0);
  told.context = o.context;
  told.attention.summary_from = memory.exact_until;
  told.attention.exact = memory.exact;
  Session other(guide(), told);
  other.feed(std::span(ids).first(620));
  EXPECT_EQ(copy(session.feed(std::span(ids).subspan(620))), copy(other.feed(std::span(ids).subspan(620))));
}

}  // namespace
}  // namespace longhand
