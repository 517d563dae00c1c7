// Guesses at the next tokens of requests that are answered alone: the same answers, also where others come
// meanwhile.
#include <gmock/gmock.h>

#include <latch>

#include "engine/longhand_serve.h"
#include "tests/support/golden_model.h"
#include "tests/support/scheduling.h"
#include "tests/support/tiny_session.h"

namespace longhand {
namespace {

using test::options_of_tests;

struct Told {
  std::vector<Token> tokens;
  RequestResult result;
};

// A text that repeats itself, so that there is something to guess.
std::vector<Token> repeated(unsigned seed) {
  const std::vector<Token> part = test::some_tokens(12, seed);
  std::vector<Token> text;
  for (int i = 0; i < 4; ++i) text.insert(text.end(), part.begin(), part.end());
  return text;
}

SamplerOptions greedy() {
  SamplerOptions o;
  o.temperature = 0;
  return o;
}

Request request(const Model& model, unsigned seed, bool guess) {
  Request r{.prompt = repeated(seed), .sampler = Sampler(model, greedy()), .max_tokens = 120};
  if (guess) r.speculation = SpeculationOptions{.adapt = false};
  return r;
}

RequestListener listener(Told& told) {
  return {.on_token =
              [&](const TokenStep& step) {
                told.tokens.push_back(step.token);
                return true;
              },
          .on_end = [&](const RequestResult& result) { told.result = result; }};
}

class SpeculatingScheduler : public test::GoldenModel {
 protected:
  std::vector<Token> plain(unsigned seed) const {
    Session session(model(), options_of_tests().session);
    Sampler sampler(model(), greedy());
    return generate(session, repeated(seed), sampler, {.max_tokens = 120}).tokens;
  }
};

TEST_P(SpeculatingScheduler, AnswersAsWithoutGuesses) {
  Scheduler scheduler(model(), options_of_tests());
  int guesses = 0;
  for (unsigned seed = 1; seed <= 3; ++seed) {
    Told told;
    scheduler.submit(request(model(), seed, true), listener(told));
    ASSERT_TRUE(scheduler.wait_idle());
    EXPECT_FALSE(told.result.error);
    EXPECT_EQ(told.tokens, plain(seed)) << seed;
    EXPECT_LE(told.result.right_guesses, told.result.guesses);
    guesses += told.result.guesses;
  }
  EXPECT_GT(guesses, 0);
}

// The others come while the first has guesses in its session, and one of them begins like it.
TEST_P(SpeculatingScheduler, OthersMayComeMeanwhile) {
  Scheduler scheduler(model(), options_of_tests());
  Told first, same, other;
  std::latch reached{1}, open{1};
  RequestListener gated = listener(first);
  gated.on_token = [&](const TokenStep& step) {
    first.tokens.push_back(step.token);
    if (first.tokens.size() == 10) reached.count_down(), open.wait();
    return true;
  };
  scheduler.submit(request(model(), 1, true), gated);
  reached.wait();
  scheduler.submit(request(model(), 1, true), listener(same));
  scheduler.submit(request(model(), 2, false), listener(other));
  open.count_down();
  ASSERT_TRUE(scheduler.wait_idle());
  EXPECT_EQ(first.tokens, plain(1));
  EXPECT_EQ(same.tokens, plain(1));
  EXPECT_EQ(other.tokens, plain(2));
  EXPECT_GE(same.result.cached_tokens, 32) << "what the first has read";
  // What is kept of an answer that was guessed is what it says.
  Told next;
  Request turn = request(model(), 1, true);
  turn.prompt.insert(turn.prompt.end(), first.tokens.begin(), first.tokens.end());
  const std::vector<Token> prompt = turn.prompt;
  scheduler.submit(std::move(turn), listener(next));
  ASSERT_TRUE(scheduler.wait_idle());
  Session session(model(), options_of_tests().session);
  Sampler sampler(model(), greedy());
  EXPECT_EQ(next.tokens, generate(session, prompt, sampler, {.max_tokens = 120}).tokens);
}

INSTANTIATE_TEST_SUITE_P(Models, SpeculatingScheduler,
                         testing::Values("llama", "gemma3", "qwen3next", "mamba2"), test::name_of_arch);

// A draft reads a prompt before it guesses. The scheduler has one, which knows the text when it comes again.
TEST(Scheduler, RequestsShareADraft) {
  Scheduler scheduler(test::tiny(), options_of_tests());
  for (const int guesses : {0, 1}) {
    Told told;
    Request r = request(test::tiny(), 1, true);
    r.speculation->draft = test::tiny();
    r.max_tokens = 3;
    scheduler.submit(std::move(r), listener(told));
    ASSERT_TRUE(scheduler.wait_idle());
    EXPECT_EQ(told.result.guesses, guesses);
    EXPECT_EQ(told.result.right_guesses, guesses);
    EXPECT_EQ(told.tokens.size(), 3u);
  }
}

// Of a request that asks for what the model cannot foresee with: it is refused, not answered without.
TEST(Scheduler, WhatCannotGuessIsAnError) {
  Scheduler scheduler(test::tiny(), options_of_tests());
  Told told;
  Request r = request(test::tiny(), 1, true);
  r.speculation->mtp = true;
  scheduler.submit(std::move(r), listener(told));
  ASSERT_TRUE(scheduler.wait_idle());
  EXPECT_TRUE(told.result.error);
  EXPECT_EQ(scheduler.status().slots[0].request, 0u);
}

}  // namespace
}  // namespace longhand
