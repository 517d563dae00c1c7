// The interface in C: sessions computed together, forks, hidden states, states in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "engine/longhand.h"
#include "tests/support/longhand_c.h"
#include "tests/support/tiny_session.h"

namespace longhand::test {
namespace {

class LonghandCRunner : public LonghandC {
 protected:
  RunnerPtr runner() {
    lh_runner_options options = lh_runner_defaults();
    options.threads = 1;
    options.batch = 16;
    lh_runner* made = nullptr;
    EXPECT_EQ(lh_runner_new(model(), &options, &made, &error_), LH_OK) << error_.message;
    return RunnerPtr(made);
  }
  static lh_session_options exact() {
    lh_session_options options = small();
    options.key_cache = options.value_cache = LH_CACHE_F32;
    return options;
  }
  SessionPtr session_of(lh_runner* runner) {
    const lh_session_options options = exact();
    lh_session* made = nullptr;
    EXPECT_EQ(lh_session_new_of(runner, &options, &made, &error_), LH_OK) << error_.message;
    return SessionPtr(made);
  }
  std::vector<float> alone(const std::vector<lh_token>& text) {
    const SessionPtr s = session(exact());
    lh_logits logits{};
    EXPECT_EQ(lh_feed(s.get(), view(text), &logits, &error_), LH_OK);
    return copy(logits);
  }
  static std::vector<float> copy(lh_logits logits) { return {logits.data, logits.data + logits.size}; }
};

TEST_F(LonghandCRunner, ComputesSessionsTogether) {
  RunnerPtr r = runner();
  const SessionPtr one = session_of(r.get()), two = session_of(r.get());
  const std::vector<lh_token> a = encode("The capital of Peru"), b = some_tokens(50, 4);
  lh_runner_feed feeds[] = {{one.get(), view(a), {}, 7}, {two.get(), view(b), {}, 7}};
  ASSERT_EQ(lh_runner_run(r.get(), feeds, 2, &error_), LH_OK) << error_.message;
  EXPECT_EQ(feeds[0].cancelled + feeds[1].cancelled, 0);
  EXPECT_EQ(copy(feeds[0].logits), alone(a));
  EXPECT_EQ(copy(feeds[1].logits), alone(b));

  r.reset();  // its sessions go on
  lh_logits logits{};
  ASSERT_EQ(lh_feed(one.get(), view(b), &logits, &error_), LH_OK);
  std::vector<lh_token> both = a;
  both.insert(both.end(), b.begin(), b.end());
  EXPECT_EQ(copy(logits), alone(both));
}

TEST_F(LonghandCRunner, WhoIsCancelledLeaves) {
  const RunnerPtr r = runner();
  const SessionPtr one = session_of(r.get()), two = session_of(r.get());
  const std::vector<lh_token> text = some_tokens(40);
  lh_session_cancel(two.get());
  lh_runner_feed feeds[] = {{one.get(), view(text), {}, 0}, {two.get(), view(text), {}, 0}};
  ASSERT_EQ(lh_runner_run(r.get(), feeds, 2, &error_), LH_OK);
  EXPECT_EQ(feeds[0].cancelled, 0);
  EXPECT_NE(feeds[1].cancelled, 0);
  EXPECT_EQ(feeds[1].logits.size, 0u);
  EXPECT_EQ(copy(feeds[0].logits), alone(text));
  EXPECT_EQ(lh_session_size(two.get()), 0);
}

TEST_F(LonghandCRunner, FailsAsAWhole) {
  const RunnerPtr r = runner(), other = runner();
  const SessionPtr one = session_of(r.get()), foreign = session_of(other.get());
  const std::vector<lh_token> text = some_tokens(5), long_text(300, 4);
  lh_runner_feed twice[] = {{one.get(), view(text), {}, 0}, {one.get(), view(text), {}, 0}},
                 strange[] = {{one.get(), view(text), {}, 0}, {foreign.get(), view(text), {}, 0}},
                 too_long[] = {{one.get(), view(long_text), {}, 0}}, none[] = {{nullptr, view(text), {}, 0}};
  EXPECT_EQ(lh_runner_run(r.get(), twice, 2, &error_), LH_E_RANGE);
  EXPECT_EQ(lh_runner_run(r.get(), strange, 2, &error_), LH_E_RANGE);
  EXPECT_EQ(lh_runner_run(r.get(), too_long, 1, &error_), LH_E_CONTEXT_FULL);
  EXPECT_EQ(lh_runner_run(r.get(), none, 1, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_runner_run(r.get(), nullptr, 1, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_runner_run(nullptr, twice, 2, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_runner_run(r.get(), nullptr, 0, &error_), LH_OK);
  EXPECT_EQ(lh_session_size(one.get()), 0);
  lh_session* made = nullptr;
  lh_runner* made_runner = nullptr;
  EXPECT_EQ(lh_session_new_of(nullptr, nullptr, &made, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_session_new_of(r.get(), nullptr, nullptr, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_runner_new(nullptr, nullptr, &made_runner, &error_), LH_E_ARGUMENT);
  lh_runner_options options = lh_runner_defaults();
  options.batch = 0;
  EXPECT_EQ(lh_runner_new(model(), &options, &made_runner, &error_), LH_E_RANGE);
  lh_runner_free(nullptr);
}

// Threads and working memory are one for all of a runner's sessions.
TEST_F(LonghandCRunner, IsUsedByOneCallAtATime) {
  const RunnerPtr r = runner();
  const SessionPtr one = session_of(r.get()), two = session_of(r.get());
  lh_session* fork = nullptr;
  ASSERT_EQ(lh_session_fork(one.get(), &fork, &error_), LH_OK);
  const SessionPtr holder(fork);
  struct Inner {
    lh_runner* runner;
    lh_session *two, *fork;
    std::vector<lh_status> statuses;
  } inner{r.get(), two.get(), fork, {}};
  const auto visit = [](void* user, std::int32_t, lh_logits) {
    auto& i = *static_cast<Inner*>(user);
    const lh_token token = 3;
    lh_runner_feed feed = {i.two, {&token, 1}, {}, 0};
    lh_session* made = nullptr;
    i.statuses = {lh_feed(i.two, {&token, 1}, nullptr, nullptr),
                  lh_feed(i.fork, {&token, 1}, nullptr, nullptr), lh_runner_run(i.runner, &feed, 1, nullptr),
                  lh_session_fork(i.fork, &made, nullptr),
                  lh_session_new_of(i.runner, nullptr, &made, nullptr)};
    return 0;
  };
  const std::vector<lh_token> text = some_tokens(1);
  ASSERT_EQ(lh_feed_each(one.get(), view(text), visit, &inner, &error_), LH_OK);
  EXPECT_THAT(inner.statuses, testing::Each(LH_E_BUSY));
  EXPECT_EQ(inner.statuses.size(), 5u);
}

TEST_F(LonghandCRunner, ForksGoTheirOwnWays) {
  const SessionPtr s = session(exact());
  const std::vector<lh_token> common = some_tokens(60), left = some_tokens(20, 2), right = some_tokens(20, 3);
  ASSERT_EQ(lh_feed(s.get(), view(common), nullptr, &error_), LH_OK);
  lh_session* made = nullptr;
  ASSERT_EQ(lh_session_fork(s.get(), &made, &error_), LH_OK) << error_.message;
  const SessionPtr fork(made);
  lh_logits of_left{}, of_right{};
  ASSERT_EQ(lh_feed(s.get(), view(left), &of_left, &error_), LH_OK);
  ASSERT_EQ(lh_feed(made, view(right), &of_right, &error_), LH_OK);
  for (const auto& [end, logits] : {std::pair(left, of_left), std::pair(right, of_right)}) {
    std::vector<lh_token> whole = common;
    whole.insert(whole.end(), end.begin(), end.end());
    EXPECT_EQ(copy(logits), alone(whole));
  }
  const SpeculationPtr of_parent = speculation(s.get());
  const auto chooser = greedy();
  lh_generate_options options = lh_generate_defaults();
  options.speculation = of_parent.get();
  EXPECT_EQ(lh_generate(made, chooser.get(), {nullptr, 0}, &options, nullptr, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_session_fork(nullptr, &made, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_session_fork(s.get(), nullptr, &error_), LH_E_ARGUMENT);
}

TEST_F(LonghandCRunner, ShowsHiddenStates) {
  const SessionPtr s = session(exact());
  const std::vector<lh_token> text = some_tokens(30);
  std::vector<float> shown, want;
  const auto visit = [](void* user, std::int32_t, const float* hidden, std::size_t size) {
    static_cast<std::vector<float>*>(user)->insert(static_cast<std::vector<float>*>(user)->end(), hidden,
                                                   hidden + size);
    return 0;
  };
  ASSERT_EQ(lh_feed_hidden(s.get(), view(text), visit, &shown, &error_), LH_OK);
  Session same(Model::load(kGuide),
               {.context = 256, .threads = 1, .key_cache = CacheType::f32, .value_cache = CacheType::f32});
  same.feed(
      text, [&](int, std::span<const float> row) { want.insert(want.end(), row.begin(), row.end()); },
      Want::hidden);
  EXPECT_EQ(shown, want);
  const auto refuse = [](void*, std::int32_t, const float*, std::size_t) { return 1; };
  EXPECT_EQ(lh_feed_hidden(s.get(), view(text), refuse, nullptr, &error_), LH_E_CANCELLED);
  EXPECT_EQ(lh_session_size(s.get()), 30);
  EXPECT_EQ(lh_feed_hidden(s.get(), view(text), nullptr, nullptr, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_feed_hidden(nullptr, view(text), visit, nullptr, &error_), LH_E_ARGUMENT);
}

TEST_F(LonghandCRunner, SavesStatesToMemory) {
  const SessionPtr s = session(exact()), other = session(exact());
  const std::vector<lh_token> text = some_tokens(60), more = some_tokens(5, 2);
  ASSERT_EQ(lh_feed(s.get(), view(text), nullptr, &error_), LH_OK);
  lh_byte_buffer out = {nullptr, 0, 0};
  EXPECT_EQ(lh_save_state_memory(s.get(), &out, &error_), LH_E_BUFFER);
  std::uint64_t bytes = 0;
  ASSERT_EQ(lh_state_bytes(s.get(), &bytes, &error_), LH_OK);
  ASSERT_EQ(out.size, bytes);
  std::vector<std::byte> state(out.size + 10);
  out = {state.data(), state.size(), 0};
  ASSERT_EQ(lh_save_state_memory(s.get(), &out, &error_), LH_OK) << error_.message;
  EXPECT_EQ(out.size, bytes);
  EXPECT_EQ(lh_restore_state_memory(other.get(), {state.data(), out.size + 1}, &error_), LH_E_CORRUPT);
  EXPECT_EQ(lh_restore_state_memory(other.get(), {state.data(), out.size - 1}, &error_), LH_E_TRUNCATED);
  EXPECT_EQ(lh_restore_state_memory(other.get(), {nullptr, 5}, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_session_size(other.get()), 0);
  ASSERT_EQ(lh_restore_state_memory(other.get(), {state.data(), out.size}, &error_), LH_OK) << error_.message;
  lh_logits a{}, b{};
  ASSERT_EQ(lh_feed(s.get(), view(more), &a, &error_), LH_OK);
  ASSERT_EQ(lh_feed(other.get(), view(more), &b, &error_), LH_OK);
  EXPECT_EQ(copy(a), copy(b));
  EXPECT_EQ(lh_save_state_memory(nullptr, &out, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_save_state_memory(s.get(), nullptr, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_restore_state_memory(nullptr, {state.data(), 5}, &error_), LH_E_ARGUMENT);
}

TEST_F(LonghandCRunner, TellsProbabilitiesOfWhatItWrites) {
  const auto s = session();
  const auto chooser = greedy();
  lh_generate_options options = lh_generate_defaults();
  options.max_tokens = 6;
  options.top_log_probabilities = 2;
  std::vector<lh_token> told;
  options.on_token_user = &told;
  options.on_token = [](void* user, const lh_token_step* step) {
    EXPECT_EQ(step->top_count, 2u);
    EXPECT_EQ(step->top[0].token, step->token);
    EXPECT_EQ(step->top[0].log_probability, step->log_probability);
    EXPECT_LE(step->top[1].log_probability, step->top[0].log_probability);
    static_cast<std::vector<lh_token>*>(user)->push_back(step->token);
    return 0;
  };
  lh_generate_result result;
  result.size = sizeof result;
  const std::vector<lh_token> prompt = encode("The capital of Peru");
  ASSERT_EQ(lh_generate(s.get(), chooser.get(), view(prompt), &options, &result, &error_), LH_OK)
      << error_.message;
  EXPECT_THAT(std::span(result.tokens.data, result.tokens.size), testing::ElementsAreArray(told));
  ASSERT_NE(result.steps, nullptr);
  for (std::size_t i = 0; i < result.tokens.size; ++i) {
    EXPECT_EQ(result.steps[i].token, result.tokens.data[i]);
    EXPECT_EQ(result.steps[i].top[0].token, result.tokens.data[i]);
    EXPECT_EQ(result.steps[i].top_count, 2u);
  }
  options.top_log_probabilities = -1;
  options.on_token = [](void*, const lh_token_step*) { return 1; };
  ASSERT_EQ(lh_rewind(s.get(), 0, &error_), LH_OK);
  ASSERT_EQ(lh_generate(s.get(), chooser.get(), view(prompt), &options, &result, &error_), LH_OK);
  EXPECT_EQ(result.reason, LH_STOP_CALLBACK);
  EXPECT_EQ(result.steps, nullptr);
  EXPECT_STREQ(lh_stop_reason_name(LH_STOP_MAX_TOKENS), "token limit");
  EXPECT_STREQ(lh_stop_reason_name(lh_stop_reason(99)), "unknown");
}

}  // namespace
}  // namespace longhand::test
