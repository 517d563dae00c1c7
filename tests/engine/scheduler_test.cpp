// Requests answered together get, token by token, what each gets alone; and what is kept of finished ones is
// not read again.
#include <gmock/gmock.h>

#include <condition_variable>
#include <latch>
#include <mutex>
#include <thread>

#include "engine/longhand_serve.h"
#include "tests/engine/scheduler_rig.h"
#include "tests/support/error_code.h"
#include "tests/support/golden_model.h"
#include "tests/support/scheduling.h"
#include "tests/support/tiny_session.h"

namespace longhand::test {
namespace {

using testing::ElementsAre;

// Attention, windows, a hybrid, recurrent models.
class SchedulerOf : public test::GoldenModel {};

TEST_P(SchedulerOf, MixedRequestsAreAnsweredAsTheyAreAlone) {
  for (const int count : {1, 2, 5, 8}) {
    Scheduler scheduler(model(), options_of_tests());
    std::vector<Told> told(std::size_t(count), Told{});
    std::vector<std::vector<Token>> prompts;
    for (int i = 0; i < count; ++i) prompts.push_back(test::some_tokens(1 + i * 29 % 90, unsigned(i) + 1));
    for (int i = 0; i < count; ++i)
      scheduler.submit(request_of(model(), prompts[std::size_t(i)], unsigned(i)),
                       listener(told[std::size_t(i)]));
    ASSERT_TRUE(scheduler.wait_idle());
    for (int i = 0; i < count; ++i) {
      SCOPED_TRACE(testing::Message() << "request " << i << " of " << count);
      expect_same(told[std::size_t(i)], alone(model(), prompts[std::size_t(i)], unsigned(i)));
    }
  }
}

TEST_P(SchedulerOf, TheSecondTurnGoesOnFromTheFirst) {
  Scheduler scheduler(model(), options_of_tests());
  std::vector<Token> prompt = test::some_tokens(70, 5);
  Told first;
  scheduler.submit(request_of(model(), prompt, 1), listener(first));
  ASSERT_TRUE(scheduler.wait_idle());
  EXPECT_EQ(first.result.cached_tokens, 0);
  prompt.insert(prompt.end(), first.tokens.begin(), first.tokens.end());
  const std::vector<Token> more = test::some_tokens(15, 6);
  prompt.insert(prompt.end(), more.begin(), more.end());
  Told second;
  scheduler.submit(request_of(model(), prompt, 2), listener(second));
  ASSERT_TRUE(scheduler.wait_idle());
  // The last token drawn is not fed where it is the last that was wanted.
  const bool cut = first.result.reason == StopReason::max_tokens;
  EXPECT_EQ(second.result.cached_tokens, 70 + int(first.tokens.size()) - int(cut));
  expect_same(second, alone(model(), prompt, 2));
}

// What a turn costs does not grow with the conversation: only what is new is computed.
TEST_P(SchedulerOf, ALongHistoryIsNotReadAgain) {
  SchedulerOptions options = options_of_tests();
  options.session.context = 2048;
  options.session.batch = 128;
  Scheduler scheduler(model(), options);
  std::vector<Token> prompt = test::some_tokens(1000, 5);
  for (unsigned turn = 0; turn < 4; ++turn) {
    Told told;
    int computed = 0;
    RequestListener hears = listener(told);
    hears.on_reading = [&](const ReadingProgress& progress) { computed = progress.read - progress.cached; };
    scheduler.submit(request_of(model(), prompt, turn), hears);
    ASSERT_TRUE(scheduler.wait_idle());
    // The last token drawn is not fed where it is the last that was wanted.
    if (turn > 0) { EXPECT_LE(computed, 16) << turn; }
    EXPECT_EQ(computed, told.result.prompt_tokens - told.result.cached_tokens);
    prompt.insert(prompt.end(), told.tokens.begin(), told.tokens.end());
    const std::vector<Token> more = test::some_tokens(15, 6 + turn);
    prompt.insert(prompt.end(), more.begin(), more.end());
  }
}

TEST_P(SchedulerOf, AChangedEndKeepsTheBeginning) {
  Scheduler scheduler(model(), options_of_tests());
  std::vector<Token> prompt = test::some_tokens(100, 5);
  Told first, again, other;
  scheduler.submit(request_of(model(), prompt, 1), listener(first));
  ASSERT_TRUE(scheduler.wait_idle());
  scheduler.submit(request_of(model(), prompt, 1), listener(again));
  ASSERT_TRUE(scheduler.wait_idle());
  expect_same(again, alone(model(), prompt, 1));
  prompt.back() = prompt.back() == 5 ? 6 : 5;
  scheduler.submit(request_of(model(), prompt, 3), listener(other));
  ASSERT_TRUE(scheduler.wait_idle());
  expect_same(other, alone(model(), prompt, 3));
  EXPECT_GE(again.result.cached_tokens, 84);
  EXPECT_GE(other.result.cached_tokens, 84);
}

INSTANTIATE_TEST_SUITE_P(Models, SchedulerOf,
                         testing::Values("llama", "gemma3", "qwen3next", "lfm2", "mamba2", "rwkv7"),
                         test::name_of_arch);

TEST(Scheduler, SeveralAnswersToOnePromptReadItOnce) {
  const Model& model = test::tiny();
  Scheduler scheduler(model, options_of_tests());
  const std::vector<Token> prompt = test::some_tokens(120, 9);
  std::vector<Told> told(4, Told{});
  for (unsigned i = 0; i < 4; ++i) scheduler.submit(request_of(model, prompt, i), listener(told[i]));
  ASSERT_TRUE(scheduler.wait_idle());
  for (unsigned i = 0; i < 4; ++i) {
    EXPECT_EQ(told[i].result.cached_tokens, i == 0 ? 0 : 120);
    expect_same(told[i], alone(model, prompt, i));
  }
}

// A conversation that goes another way leaves the first one where it is.
TEST(Scheduler, ForksWhatAnotherStillUses) {
  const Model& model = test::tiny();
  Scheduler scheduler(model, options_of_tests());
  const std::vector<Token> common = test::some_tokens(60, 1);
  std::vector<std::vector<Token>> prompts;
  for (unsigned i = 0; i < 6; ++i) {
    prompts.push_back(common);
    const std::vector<Token> own = test::some_tokens(40, 10 + i % 3);
    prompts.back().insert(prompts.back().end(), own.begin(), own.end());
  }
  std::vector<Told> told(6, Told{});
  for (unsigned i = 0; i < 6; ++i) {
    scheduler.submit(request_of(model, prompts[i], i), listener(told[i]));
    if (i < 3) { ASSERT_TRUE(scheduler.wait_idle()); }
  }
  ASSERT_TRUE(scheduler.wait_idle());
  for (unsigned i = 0; i < 6; ++i) {
    expect_same(told[i], alone(model, prompts[i], i));
    EXPECT_EQ(told[i].result.cached_tokens, i == 0 ? 0 : i < 3 ? 60 : 99) << i;
  }
}

TEST(Scheduler, ForgetsTextsThatWereNotUsedForLongest) {
  SchedulerOptions options = options_of_tests();
  options.cache_mib = 0;
  const Model& model = test::tiny();
  Scheduler scheduler(model, options);
  Told first, second;
  scheduler.submit(request_of(model, test::some_tokens(60, 1), 1), listener(first));
  ASSERT_TRUE(scheduler.wait_idle());
  EXPECT_EQ(scheduler.status().kept_texts, 0);
  scheduler.submit(request_of(model, test::some_tokens(60, 1), 1), listener(second));
  ASSERT_TRUE(scheduler.wait_idle());
  EXPECT_EQ(second.result.cached_tokens, 0);
  EXPECT_EQ(first.tokens, second.tokens);
}

// Stops the scheduler's thread inside the first text of a request, so that a test can arrange what comes.
struct Gate {
  std::latch reached{1}, open{1};
  RequestListener listener(Told& told) {
    RequestListener l = test::listener(told);
    l.on_token = [this, &told](const TokenStep& step) {
      told.tokens.push_back(step.token);
      if (told.tokens.size() == 1) reached.count_down(), open.wait();
      return true;
    };
    return l;
  }
};

TEST(Scheduler, CancelsTheActiveAndTheWaiting) {
  const Model& model = test::tiny();
  SchedulerOptions options = options_of_tests();
  options.parallel = 1;
  Scheduler scheduler(model, options);
  Told active, waits, other;
  Gate gate;
  const auto first =
      scheduler.submit(request_of(model, test::some_tokens(5, 1), 1, 200), gate.listener(active));
  gate.reached.wait();
  const auto second = scheduler.submit(request_of(model, test::some_tokens(5, 2), 1), listener(waits));
  scheduler.submit(request_of(model, test::some_tokens(5, 3), 3), listener(other));
  EXPECT_EQ(scheduler.status().waiting, 2);
  scheduler.cancel(second);
  scheduler.cancel(first);
  scheduler.cancel(999);
  gate.open.count_down();
  ASSERT_TRUE(scheduler.wait_idle());
  EXPECT_EQ(active.result.reason, StopReason::cancelled);
  EXPECT_EQ(active.tokens.size(), 1u);
  EXPECT_EQ(waits.result.reason, StopReason::cancelled);
  EXPECT_EQ(waits.ends, 1);
  EXPECT_TRUE(waits.tokens.empty());
  expect_same(other, alone(model, test::some_tokens(5, 3), 3));
  for (const auto& slot : scheduler.status().slots) EXPECT_EQ(slot.request, 0u);
}

TEST(Scheduler, HigherPrioritiesComeFirstAndAFullQueueRefuses) {
  const Model& model = test::tiny();
  SchedulerOptions options = options_of_tests();
  options.parallel = 1;
  options.queue = 2;
  Scheduler scheduler(model, options);
  Told active, told;
  std::vector<int> order;
  Gate gate;
  scheduler.submit(request_of(model, test::some_tokens(5, 1), 1), gate.listener(active));
  gate.reached.wait();
  const auto submit = [&](int number, int priority) {
    Request request = request_of(model, test::some_tokens(5, unsigned(number)), 1, 1);
    request.priority = priority;
    scheduler.submit(std::move(request),
                     {.on_end = [&order, number](const RequestResult&) { order.push_back(number); }});
  };
  submit(2, 0);
  submit(3, 1);
  EXPECT_EQ(test::code_of([&] { submit(4, 2); }), Errc::busy);
  gate.open.count_down();
  ASSERT_TRUE(scheduler.wait_idle());
  EXPECT_THAT(order, ElementsAre(3, 2));
  scheduler.close();
  EXPECT_EQ(test::code_of([&] { submit(5, 0); }), Errc::busy);
}

TEST(Scheduler, RefusesWhatCannotBeAnswered) {
  const Model& model = test::tiny();
  Scheduler scheduler(model, options_of_tests());
  const auto submit = [&](std::vector<Token> prompt) {
    scheduler.submit(request_of(model, std::move(prompt), 1));
  };
  EXPECT_EQ(test::code_of([&] { submit({}); }), Errc::range);
  EXPECT_EQ(test::code_of([&] { submit({-1}); }), Errc::range);
  EXPECT_EQ(test::code_of([&] { submit({1 << 30}); }), Errc::range);
  EXPECT_EQ(test::code_of([&] { submit(test::some_tokens(257)); }), Errc::context_full);
  SchedulerOptions bad = options_of_tests();
  bad.latency = 0;
  EXPECT_EQ(test::code_of([&] { Scheduler(model, bad); }), Errc::range);
}

TEST(Scheduler, ReasonsOfTheEnd) {
  const Model& model = test::tiny();
  Scheduler scheduler(model, options_of_tests());
  Told full, none, refused, stopped;
  Request long_one = request_of(model, test::some_tokens(250, 1), 1, -1);
  long_one.sampler = Sampler(model, {.temperature = 0, .ignore_eos = true});
  scheduler.submit(std::move(long_one), listener(full));
  scheduler.submit(request_of(model, test::some_tokens(20, 1), 1, 0), listener(none));
  RequestListener refuses = listener(refused);
  refuses.on_text = [](std::string_view) { return false; };
  scheduler.submit(request_of(model, test::some_tokens(20, 3), 1), refuses);
  const Alone text = alone(model, test::some_tokens(20, 4), 4);
  ASSERT_GE(text.text.size(), 8u);
  Request stops = request_of(model, test::some_tokens(20, 4), 4);
  std::size_t at = 4;
  while ((std::uint8_t(text.text[at]) & 0xC0) == 0x80) ++at;
  stops.stop = {text.text.substr(at, 3)};
  at = text.text.find(stops.stop[0]);
  scheduler.submit(std::move(stops), listener(stopped));
  ASSERT_TRUE(scheduler.wait_idle());
  EXPECT_EQ(full.result.reason, StopReason::context_full);
  EXPECT_EQ(full.tokens.size(), 7u) << "the last one needs no room";
  EXPECT_EQ(none.result.reason, StopReason::max_tokens);
  EXPECT_TRUE(none.tokens.empty());
  EXPECT_EQ(refused.result.reason, StopReason::callback);
  EXPECT_EQ(stopped.result.reason, StopReason::stop_string);
  EXPECT_EQ(stopped.text, text.text.substr(0, at));
}

TEST(Scheduler, OneThatFailsLeavesTheOthers) {
  const Model& model = test::tiny();
  Scheduler scheduler(model, options_of_tests());
  Told throws, other;
  RequestListener bad = listener(throws);
  bad.on_token = [](const TokenStep&) -> bool { throw std::runtime_error("no"); };
  scheduler.submit(request_of(model, test::some_tokens(20, 3), 1), bad);
  scheduler.submit(request_of(model, test::some_tokens(30, 3), 2), listener(other));
  ASSERT_TRUE(scheduler.wait_idle());
  EXPECT_TRUE(throws.result.error);
  EXPECT_EQ(throws.ends, 1);
  expect_same(other, alone(model, test::some_tokens(30, 3), 2));
}

// Its progress is told after a pass in which the others read and write too.
TEST(Scheduler, OneWhoseProgressCannotBeToldLeavesTheOthers) {
  const Model& model = test::tiny();
  SchedulerOptions options = options_of_tests();
  options.parallel = 3;
  Scheduler scheduler(model, options);
  Told gated, first, throws, second;
  Gate gate;
  scheduler.submit(request_of(model, test::some_tokens(5, 1), 1), gate.listener(gated));
  gate.reached.wait();
  RequestListener bad = listener(throws);
  bad.on_reading = [](const ReadingProgress& p) {
    if (p.read > p.cached) throw std::runtime_error("no");
  };
  scheduler.submit(request_of(model, test::some_tokens(60, 3), 1), bad);
  scheduler.submit(request_of(model, test::some_tokens(70, 4), 2), listener(first));
  scheduler.submit(request_of(model, test::some_tokens(30, 5), 3), listener(second));
  gate.open.count_down();
  ASSERT_TRUE(scheduler.wait_idle());
  EXPECT_TRUE(throws.result.error);
  EXPECT_EQ(throws.ends, 1);
  EXPECT_TRUE(throws.tokens.empty());
  expect_same(first, alone(model, test::some_tokens(70, 4), 2));
  expect_same(second, alone(model, test::some_tokens(30, 5), 3));
  EXPECT_EQ(gated.tokens, alone(model, test::some_tokens(5, 1), 1).tokens);
}

// Many threads, some of which change their mind: each answer is as alone or a beginning of it.
TEST(Scheduler, ManyThreadsAtOnce) {
  const Model& model = test::tiny();
  std::vector<Alone> expected;
  for (unsigned i = 0; i < 5; ++i)
    expected.push_back(alone(model, test::some_tokens(10 + int(i) * 15, i), i));
  Scheduler scheduler(model, options_of_tests());
  std::vector<std::jthread> threads;
  std::atomic<int> ended{0};
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (unsigned k = 0; k < 10; ++k) {
        const unsigned i = (t + k) % 5;
        Told told;
        std::latch done{1};
        RequestListener l = listener(told);
        l.on_end = [&](const RequestResult& result) {
          told.result = result;
          done.count_down();
        };
        const auto number = scheduler.submit(request_of(model, test::some_tokens(10 + int(i) * 15, i), i), l);
        if (k % 3 == 2) scheduler.cancel(number);
        scheduler.status();
        done.wait();
        ++ended;
        if (told.result.reason != StopReason::cancelled) { EXPECT_EQ(told.tokens, expected[i].tokens); }
        EXPECT_TRUE(std::equal(told.tokens.begin(), told.tokens.end(), expected[i].tokens.begin()));
      }
    });
  }
  threads.clear();
  EXPECT_EQ(ended, 40);
  ASSERT_TRUE(scheduler.wait_idle());
  EXPECT_EQ(scheduler.status().requests, 40u);
}

TEST(Scheduler, EndsAllWhenItGoes) {
  std::vector<Told> told(6, Told{});
  {
    Scheduler scheduler(test::tiny(), options_of_tests());
    for (unsigned i = 0; i < 6; ++i)
      scheduler.submit(request_of(test::tiny(), test::some_tokens(100, i), i, 100), listener(told[i]));
  }
  for (const Told& t : told) EXPECT_EQ(t.ends, 1);
}

}  // namespace
}  // namespace longhand::test
