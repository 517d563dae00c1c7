// Sessions of many threads, each with workers of its own, share one model and nothing else.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "engine/longhand.h"
#include "tests/support/error_code.h"
#include "tests/support/temp_dir.h"

namespace longhand {
namespace {

constexpr int kThreads = 4, kTokens = 24;

SessionOptions options(int threads) {
  SessionOptions o;
  o.context = 128;
  o.threads = threads;
  return o;
}

// The tokens of a text written in two parts; between them the state goes through a file and another session.
std::vector<Token> write(const Model& model, const std::string& prompt, int threads,
                         const std::string& file) {
  Sampler sampler(model, {.temperature = 0});
  Session first(model, options(threads));
  auto tokens = generate(first, model.encode(prompt), sampler, {.max_tokens = kTokens / 2}).tokens;
  first.save_state(file);
  Session second(model, options(threads));
  second.restore_state(file);
  // The last token is fed again: a prompt must have one.
  const Token last = second.tokens().back();
  second.rewind(second.size() - 1);
  const auto rest = generate(second, {&last, 1}, sampler, {.max_tokens = kTokens / 2}).tokens;
  tokens.insert(tokens.end(), rest.begin(), rest.end());
  return tokens;
}

TEST(Threads, SessionsWriteWhatTheyWriteAlone) {
  const auto model = Model::load(LONGHAND_GUIDE "/guide-q8_0.gguf");
  const test::TempDir folder;
  const std::vector<std::string> prompts = {"The capital of Peru", "The KV cache",
                                            "What is the opposite of hot?"};
  std::vector<std::vector<Token>> alone, together(kThreads);
  for (const auto& prompt : prompts) alone.push_back(write(model, prompt, 1, folder.file("alone")));
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        const auto& prompt = prompts[i % prompts.size()];
        together[i] = write(model, prompt, 1 + int(i % 2), folder.file(std::to_string(i)));
      });
    }
  }
  for (std::size_t i = 0; i < kThreads; ++i) EXPECT_EQ(together[i], alone[i % prompts.size()]) << i;
}

TEST(Threads, EveryoneMayCancelAndOthersGoOn) {
  const auto model = Model::load(LONGHAND_GUIDE "/guide-q8_0.gguf");
  const auto prompt = model.encode("The capital of Peru");
  Session cancelled(model, options(2));
  std::atomic<bool> started{false};
  cancelled.on_progress([&](int, int) { started = true; });
  std::vector<std::jthread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (!started) std::this_thread::yield();
      cancelled.cancel();
    });
  }
  const auto write_some = [&] {
    Session s(model, options(2));
    Sampler sampler(model, {.temperature = 0});
    return generate(s, prompt, sampler, {.max_tokens = 8}).tokens;
  };
  std::vector<Token> other;
  threads.emplace_back([&] { other = write_some(); });
  // Ends when the cancellation arrives, wherever that is.
  const auto feed_on = [&] {
    for (;;) {
      if (cancelled.size() > 100) cancelled.rewind(0);
      cancelled.feed(prompt);
    }
  };
  EXPECT_EQ(test::code_of(feed_on), Errc::cancelled);
  threads.clear();
  EXPECT_EQ(other, write_some());
  cancelled.clear_cancel();
  cancelled.rewind(0);
  EXPECT_FALSE(cancelled.feed(prompt).empty());
}

}  // namespace
}  // namespace longhand
