// Sessions computed together get, bit for bit, what each gets alone; so do those that go on from a common
// text.
#include <gmock/gmock.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "engine/longhand.h"
#include "tests/support/error_code.h"
#include "tests/support/golden_model.h"
#include "tests/support/tiny_session.h"

namespace longhand {
namespace {

// An attention model, one with windows, mixtures of experts, hybrids, and models without attention.
const char* const kModels[] = {"llama",       "gemma3", "qwen35", "lfm2",       "qwen3next", "deepseek2-v3",
                               "gpt-oss",     "mamba",  "mamba2", "falcon-h1",  "jamba",     "plamo2-rope",
                               "kimi-linear", "rwkv6",  "rwkv7",  "rwkv6qwen2", "arwkv7"};

SessionOptions options_of_golden() {
  SessionOptions o;
  o.context = 256;
  o.batch = 24;
  o.threads = 2;
  o.key_cache = o.value_cache = CacheType::f32;
  return o;
}

std::vector<float> alone(const Model& model, const std::vector<Token>& tokens) {
  Session session(model, options_of_golden());
  return test::copy_of(session.feed(tokens));
}

class RunnerOf : public test::GoldenModel {};

TEST_P(RunnerOf, SessionsOfMixedLengthsAreAsTheyAreAlone) {
  for (const int count : {1, 3, 16}) {
    Runner runner(model(), {.threads = 2, .batch = 40});
    std::vector<Session> sessions;
    std::vector<std::vector<Token>> texts;
    for (int i = 0; i < count; ++i) {
      sessions.emplace_back(runner, options_of_golden());
      texts.push_back(test::some_tokens(1 + i * 11 % 70, unsigned(i) + 1));
    }
    std::vector<Runner::Feed> feeds;
    for (int i = 0; i < count; ++i) feeds.push_back({sessions[std::size_t(i)], texts[std::size_t(i)]});
    runner.run(feeds);
    // One decodes while another still reads its prompt.
    std::vector<std::vector<Token>> more;
    for (int i = 0; i < count; ++i) more.push_back(test::some_tokens(i % 3 == 0 ? 1 : 30, unsigned(i) + 50));
    feeds.clear();
    for (int i = 0; i < count; ++i) feeds.push_back({sessions[std::size_t(i)], more[std::size_t(i)]});
    runner.run(feeds);
    for (std::size_t i = 0; i < sessions.size(); ++i) {
      std::vector<Token> whole = texts[i];
      whole.insert(whole.end(), more[i].begin(), more[i].end());
      EXPECT_EQ(test::copy_of(sessions[i].logits(sessions[i].size() - 1)), alone(model(), whole))
          << "session " << i << " of " << count;
    }
  }
}

TEST_P(RunnerOf, ForksGoTheirOwnWays) {
  Session parent(model(), options_of_golden());
  const std::vector<Token> common = test::some_tokens(60, 1), left = test::some_tokens(40, 2),
                           right = test::some_tokens(40, 3);
  parent.feed(common);
  Session child = parent.fork();
  const std::vector<float> of_left = test::copy_of(parent.feed(left)),
                           of_right = test::copy_of(child.feed(right));
  std::vector<Token> whole = common;
  whole.insert(whole.end(), left.begin(), left.end());
  EXPECT_EQ(of_left, alone(model(), whole));
  whole.resize(common.size());
  whole.insert(whole.end(), right.begin(), right.end());
  EXPECT_EQ(of_right, alone(model(), whole));
  child.rewind(int(common.size()));
  EXPECT_EQ(test::copy_of(child.feed(left)), of_left);
}

TEST_P(RunnerOf, ARewindComputesTheSameAgain) {
  Session session(model(), options_of_golden());
  const std::vector<Token> text = test::some_tokens(150, 4);
  const std::vector<float> want = test::copy_of(session.feed(text));
  for (const int size : {149, 100, 17, 0}) {
    session.rewind(size);
    EXPECT_EQ(test::copy_of(session.feed(std::span(text).subspan(std::size_t(size)))), want) << size;
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, RunnerOf, testing::ValuesIn(kModels), test::name_of_arch);

TEST(Runner, FailsAsAWhole) {
  Runner runner(test::tiny());
  SessionOptions small = test::small_session();
  Session one(runner, small), two(runner, small), stranger(test::tiny(), small);
  const std::vector<Token> text = test::some_tokens(5), long_text = test::some_tokens(small.context + 1);
  one.feed(text);
  Session moved(runner, small);
  const Session taken = std::move(moved);
  std::vector<Runner::Feed> too_long = {{one, text}, {two, long_text}}, twice = {{one, text}, {one, text}},
                            foreign = {{one, text}, {stranger, text}}, empty = {{one, text}, {moved, text}};
  EXPECT_EQ(test::code_of([&] { runner.run(too_long); }), Errc::context_full);
  EXPECT_EQ(test::code_of([&] { runner.run(twice); }), Errc::range);
  EXPECT_EQ(test::code_of([&] { runner.run(foreign); }), Errc::range);
  EXPECT_EQ(test::code_of([&] { runner.run(empty); }), Errc::missing);
  EXPECT_EQ(one.size(), 5);
  EXPECT_EQ(two.size(), 0);
}

TEST(Runner, WhoIsCancelledLeavesAndTheOthersGoOn) {
  Runner runner(test::tiny(), {.threads = 1, .batch = 16});
  const SessionOptions small = test::small_session({}, CacheType::f32);
  Session one(runner, small), two(runner, small), alone(test::tiny(), small);
  const std::vector<Token> begin = test::some_tokens(5), more = test::some_tokens(60, 2);
  std::vector<Runner::Feed> beginning = {{one, begin}, {two, begin}}, both = {{one, more}, {two, more}};
  runner.run(beginning);
  const std::vector<float> before = test::copy_of(two.logits(4));
  two.cancel();
  runner.run(both);
  EXPECT_FALSE(both[0].cancelled);
  EXPECT_TRUE(both[1].cancelled);
  alone.feed(begin);
  EXPECT_EQ(test::copy_of(one.logits(64)), test::copy_of(alone.feed(more)));
  EXPECT_EQ(two.size(), 5);
  two.clear_cancel();
  EXPECT_EQ(test::copy_of(two.logits(4)), before);
  EXPECT_EQ(test::copy_of(two.feed(more)), test::copy_of(one.logits(64)));

  one.rewind(5);
  two.rewind(5);
  one.cancel();
  two.cancel();
  runner.run(both);
  EXPECT_TRUE(both[0].cancelled);
  EXPECT_TRUE(both[1].cancelled);
  EXPECT_EQ(one.size() + two.size(), 10);
}

// Wherever the cancel falls, the others get what they get alone, and the session has all of its tokens or
// none.
TEST(Runner, ACancelFromAnotherThreadSpoilsNobody) {
  Runner runner(test::tiny(), {.threads = 2, .batch = 32});
  SessionOptions options = test::small_session({}, CacheType::f32);
  options.context = 4096;
  Session one(runner, options), two(runner, options), alone(test::tiny(), options);
  const std::vector<Token> text = test::some_tokens(2000, 3);
  const std::vector<float> want = test::copy_of(alone.feed(text));
  for (const int microseconds : {0, 300, 2000, 10000}) {
    one.rewind(0);
    two.rewind(0);
    two.clear_cancel();
    std::vector<Runner::Feed> both = {{one, text}, {two, text}};
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
      two.cancel();
    });
    runner.run(both);
    other.join();
    EXPECT_FALSE(both[0].cancelled);
    EXPECT_EQ(test::copy_of(one.logits(1999)), want);
    EXPECT_EQ(two.size(), both[1].cancelled ? 0 : 2000);
  }
}

// The end of a long text is what changes most often.
TEST(Hybrid, AChangedEndIsComputedFromTheLastCheckpoint) {
  const std::string folder = test::golden("archs/qwen35");
  LONGHAND_NEED_GOLDEN(folder);
  const Model model = Model::load(folder + "/model.gguf");
  SessionOptions options = options_of_golden();
  options.context = 5000;
  options.batch = 512;
  std::vector<Token> text = test::some_tokens(4000, 5);
  const std::vector<Token> end = test::some_tokens(20, 6);
  Session session(model, options), fresh(model, options);
  session.feed(text);
  session.rewind(3980);
  EXPECT_LT(session.rewind_cost(3980) + 20, 600);
  std::vector<int> computed;
  session.on_progress([&](int, int total) { computed.push_back(total); });
  const std::vector<float> changed = test::copy_of(session.feed(end));
  EXPECT_LT(computed.at(0), 600);
  std::copy(end.begin(), end.end(), text.end() - 20);
  EXPECT_EQ(changed, test::copy_of(fresh.feed(text)));
}

}  // namespace
}  // namespace longhand
