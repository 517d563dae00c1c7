// Many threads, many sessions, one model: each gets the tokens it would get alone. Race detectors watch this.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <thread>
#include <vector>

#include "tests/support/temp_dir.h"
#include "tests/support/tiny_session.h"

namespace longhand::test {
namespace {

constexpr int kThreads = 8, kSessions = 4, kTokens = 50;

SessionOptions options_of(int number) {
  const auto memories = small_memories();
  SessionOptions options = small_session(memories[std::size_t(number) % memories.size()].attention);
  options.threads = 1 + number % 2;
  return options;
}

std::vector<Token> write_on(Session& session, int tokens) {
  Sampler sampler(tiny(), {.temperature = 0, .ignore_eos = true});
  return generate(session, {}, sampler, {.max_tokens = tokens}).tokens;
}

// A text of its own for each number: half written, saved, destroyed, restored and finished.
std::vector<Token> live(int number, const std::string& path) {
  std::vector<Token> tokens;
  {
    Session session(tiny(), options_of(number));
    session.feed(some_tokens(12, unsigned(number)));
    // Somebody else stops whatever it is doing; that must not show afterwards.
    std::thread canceller([&] { session.cancel(); });
    try {
      session.feed(some_tokens(40, 99));
      write_on(session, 10);
    } catch (const Error& error) { EXPECT_EQ(error.code(), Errc::cancelled); }
    canceller.join();
    session.clear_cancel();
    session.rewind(12);
    tokens = write_on(session, kTokens / 2);
    session.save_state(path);
  }
  Session session(tiny(), options_of(number));
  session.restore_state(path);
  const std::vector<Token> rest = write_on(session, kTokens / 2);
  tokens.insert(tokens.end(), rest.begin(), rest.end());
  return tokens;
}

TEST(Threads, SessionsOfOneModelDoNotDisturbEachOther) {
  const TempDir dir;
  std::vector<std::vector<Token>> alone;
  for (int number = 0; number < kThreads * kSessions; ++number)
    alone.push_back(live(number, dir.file(std::to_string(number))));
  std::vector<std::vector<Token>> together(alone.size());
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int s = 0; s < kSessions; ++s) {
        const int number = t * kSessions + s;
        together[std::size_t(number)] = live(number, dir.file("t" + std::to_string(number)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(together, alone);
  EXPECT_EQ(alone[0].size(), std::size_t(kTokens));
}

// Models and sessions come and go in every thread.
TEST(Threads, LoadAndFreeModels) {
  std::vector<std::thread> threads;
  std::atomic<int> working{0};
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] { working += a_model_works() && a_model_works() ? 1 : 0; });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(working, kThreads);
}

// A session that waits for its user takes no processor time: workers look for work for a millisecond, then
// sleep.
TEST(Threads, AtThePromptNobodyWorks) {
  SessionOptions options = small_session();
  options.threads = 2;
  options.prefill_threads = 3;
  Session session(tiny(), options);
  session.feed(some_tokens(12));
  using std::chrono::milliseconds;
  std::this_thread::sleep_for(milliseconds(100));
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(milliseconds(500));
  EXPECT_LT(std::clock() - before, CLOCKS_PER_SEC / 50);
}

}  // namespace
}  // namespace longhand::test
