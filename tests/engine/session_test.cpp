// What a session promises besides numbers: nothing is lost, nothing depends on history.
#include <gtest/gtest.h>

#include <thread>

#include "engine/api/access.h"
#include "engine/longhand.h"
#include "engine/sampling/token_table.h"
#include "tests/reference/forward_double.h"
#include "tests/support/error_code.h"
#include "tests/support/golden.h"

namespace longhand {
namespace {

std::string guide() { return std::string(LONGHAND_GUIDE) + "/guide-q8_0.gguf"; }

const Model& model() {
  static const Model m = Model::load(guide());
  return m;
}

SessionOptions small(int context = 128) {
  SessionOptions o;
  o.context = context;
  return o;
}

std::vector<float> copy(std::span<const float> s) { return {s.begin(), s.end()}; }

using test::code_of;

TEST(Session, RewindAndFeedAgainGivesTheSameLogits) {
  const auto text = model().encode("What is the capital of Peru? The capital");
  Session s(model(), small());
  const auto want = copy(s.feed(text));
  s.feed(model().encode(" of something else entirely", false));
  s.rewind(int(text.size()) - 3);
  EXPECT_EQ(copy(s.feed(std::span(text).last(3))), want);
  EXPECT_EQ(s.size(), int(text.size()));
}

TEST(Session, LogitsOfAnyFedPosition) {
  const auto text = model().encode("A KV cache keeps keys and values.");
  for (const CacheType type :
       {CacheType::f32, CacheType::f16, CacheType::q8_0, CacheType::bf16, CacheType::q4_0, CacheType::q5_1}) {
    SessionOptions options = small();
    options.key_cache = options.value_cache = type;
    options.batch = 1;
    Session s(model(), options);
    std::vector<std::vector<float>> rows;
    s.feed(text, [&](int position, std::span<const float> row) {
      EXPECT_EQ(position, int(rows.size()));
      rows.push_back(copy(row));
    });
    ASSERT_EQ(rows.size(), text.size());
    for (std::size_t p : {std::size_t{0}, text.size() / 2, text.size() - 1})
      EXPECT_EQ(copy(s.logits(int(p))), rows[p]) << p;
    // Asking changed nothing.
    const auto after = copy(s.feed(model().encode(" So", false)));
    Session fresh(model(), options);
    fresh.feed(text);
    EXPECT_EQ(copy(fresh.feed(model().encode(" So", false))), after);
  }
}

TEST(Session, RefusalsChangeNothing) {
  Session s(model(), small(32));
  const auto text = model().encode("Hello there");
  const auto logits = copy(s.feed(text));
  const std::vector<Token> many(40, text[0]), wrong = {text[0], 1 << 20}, negative = {-1};
  EXPECT_EQ(code_of([&] { s.feed(many); }), Errc::context_full);
  EXPECT_EQ(code_of([&] { s.feed(wrong); }), Errc::range);
  EXPECT_EQ(code_of([&] { s.feed(negative); }), Errc::range);
  EXPECT_EQ(code_of([&] { s.feed({}); }), Errc::range);
  EXPECT_EQ(code_of([&] { s.rewind(99); }), Errc::range);
  EXPECT_EQ(code_of([&] { s.rewind(-1); }), Errc::range);
  EXPECT_EQ(code_of([&] { (void)s.logits(s.size()); }), Errc::range);
  EXPECT_EQ(s.size(), int(text.size()));
  EXPECT_EQ(copy(s.logits(s.size() - 1)), logits);
}

TEST(Session, FillsItsContextToTheLastToken) {
  Session s(model(), small(32));
  s.feed(std::vector<Token>(31, 5));
  s.feed(std::vector<Token>{6});
  EXPECT_EQ(s.size(), 32);
  EXPECT_EQ(code_of([&] { s.feed(std::vector<Token>{6}); }), Errc::context_full);
}

// Longer than a chunk of the cache, so that partial results are joined, on every path that does so.
TEST(Session, TextsOfManyChunksEqualDoublePrecision) {
  const std::string path = test::golden("archs/llama-gqa/model.gguf");
  LONGHAND_NEED_GOLDEN(path);
  const Model llama = Model::load(path);
  std::vector<Token> ids(1100);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = Token(i * i % 300);
  const auto want = test::reference_llama(model_data(llama), ids);
  std::vector<float> first;
  for (const auto& [batch, threads] : {std::pair{512, 1}, {100, 3}, {1, 2}}) {
    SessionOptions options = small(1200);
    options.key_cache = options.value_cache = CacheType::f32;
    options.batch = batch;
    options.threads = threads;
    Session s(llama, options);
    std::vector<float> got;
    s.feed(ids, [&](int, std::span<const float> row) { got.insert(got.end(), row.begin(), row.end()); });
    EXPECT_LE(test::nmse(got, want), 1e-10) << batch;
    if (first.empty()) first = got;
    EXPECT_EQ(got, first) << "batch " << batch << ", threads " << threads;
  }
}

TEST(Session, OptionsOutOfRangeAreRefused) {
  const auto with = [](auto change) {
    SessionOptions o = small();
    change(o);
    return code_of([&] { Session s(model(), o); });
  };
  EXPECT_EQ(with([](auto& o) { o.context = -1; }), Errc::range);
  EXPECT_EQ(with([](auto& o) { o.batch = 0; }), Errc::range);
  EXPECT_EQ(with([](auto& o) { o.threads = -2; }), Errc::range);
  EXPECT_EQ(with([](auto& o) { o.threads = 1 << 20; }), Errc::range);
  EXPECT_EQ(with([](auto& o) { o.rope.factor = 0; }), Errc::range);
  EXPECT_EQ(with([](auto& o) { o.rope.base = std::numeric_limits<float>::quiet_NaN(); }), Errc::range);
  EXPECT_EQ(with([](auto& o) { o.context = 1 << 30; }), Errc::no_memory);
}

TEST(Session, CancelStopsAndKeepsWhatWasThere) {
  SessionOptions options = small(1024);
  options.batch = 16;
  Session s(model(), options);
  const auto before = copy(s.feed(model().encode("Hello")));
  const int size = s.size();
  s.on_progress([&](int done, int) {
    if (done >= 32) s.cancel();
  });
  EXPECT_EQ(code_of([&] { s.feed(std::vector<Token>(500, 7)); }), Errc::cancelled);
  EXPECT_EQ(s.size(), size);
  EXPECT_EQ(code_of([&] { s.feed(std::vector<Token>{7}); }), Errc::cancelled) << "holds until cleared";
  s.on_progress({});
  s.clear_cancel();
  EXPECT_EQ(copy(s.logits(size - 1)), before);
}

TEST(Session, FeedsAPartOfItsOwnTokens) {
  Session s(model(), small()), other(model(), small());
  const auto text = model().encode("What is the opposite of hot?");
  s.feed(text);
  const auto got = copy(s.feed(s.tokens()));
  other.feed(text);
  EXPECT_EQ(got, copy(other.feed(text)));
}

TEST(Session, CallbacksMustNotUseIt) {
  Session s(model(), small());
  s.feed(std::vector<Token>{5, 6});
  const auto before = copy(s.logits(1));
  EXPECT_EQ(code_of([&] {
              s.feed(std::vector<Token>{7, 8}, [&](int, std::span<const float>) { (void)s.logits(0); });
            }),
            Errc::busy);
  EXPECT_EQ(
      code_of([&] {
        s.feed(std::vector<Token>{7, 8}, [&](int, std::span<const float>) { s.feed(std::vector<Token>{9}); });
      }),
      Errc::busy);
  EXPECT_EQ(s.size(), 2);
  EXPECT_EQ(copy(s.logits(1)), before);
}

TEST(Session, ProgressCountsTheTokens) {
  SessionOptions options = small();
  options.batch = 10;
  Session s(model(), options);
  std::vector<std::pair<int, int>> calls;
  s.on_progress([&](int done, int total) { calls.emplace_back(done, total); });
  s.feed(std::vector<Token>(25, 7));
  EXPECT_EQ(calls, (std::vector<std::pair<int, int>>{{10, 25}, {20, 25}, {25, 25}}));
}

TEST(Session, ManyThreadsShareOneModel) {
  const auto text = model().encode("What is the opposite of hot?");
  Session alone(model(), small());
  const auto want = copy(alone.feed(text));
  std::vector<std::thread> threads;
  std::vector<std::vector<float>> got(6);
  for (auto& result : got) {
    threads.emplace_back([&] {
      SessionOptions o = small();
      o.threads = 2;
      Session s(model(), o);
      result = copy(s.feed(text));
    });
  }
  for (auto& t : threads) t.join();
  for (const auto& result : got) EXPECT_EQ(result, want);
}

TEST(Session, OutlivesTheModelHandle) {
  auto own = std::make_unique<Model>(Model::load(guide()));
  Session s(*own, small());
  Sampler sampler(*own, {.temperature = 0});
  own.reset();
  EXPECT_FALSE(s.feed(std::vector<Token>{5, 6, 7}).empty());
  EXPECT_GE(sampler.pick(s.logits(2)), 0);
}

TEST(Session, OneThatWasMovedFromIsEmpty) {
  Session from(model(), small());
  const auto text = model().encode("The capital of Peru");
  from.feed(text);
  Session to(std::move(from));
  EXPECT_EQ(to.size(), int(text.size()));
  EXPECT_EQ(from.size(), 0);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(from.context(), 0);
  EXPECT_EQ(from.threads(), 0);
  EXPECT_EQ(from.bytes(), 0u);
  EXPECT_EQ(from.rewind_cost(0), 0);
  EXPECT_TRUE(from.tokens().empty());
  EXPECT_FALSE(from.context_was_cut());
  from.cancel();
  from.clear_cancel();
  const auto refused = [](auto&& use) { EXPECT_EQ(code_of(use), Errc::missing); };
  refused([&] { from.feed(text); });
  refused([&] { from.feed(text, [](int, std::span<const float>) {}); });
  refused([&] { Access::pretend(from, text); });
  refused([&] { from.logits(0); });
  refused([&] { from.rewind(0); });
  refused([&] { from.save_state("/nowhere"); });
  refused([&] { from.restore_state("/nowhere"); });
  refused([&] { from.state_bytes(); });
  refused([&] { from.on_progress({}); });
  refused([&] { static_cast<void>(from.model()); });
  from = std::move(to);
  EXPECT_EQ(from.size(), int(text.size()));
}

TEST(Generate, StopsForEveryReason) {
  const auto prompt = model().encode(
      "<|im_start|>user\nWhat is the KV cache?<|im_end|>\n<|im_start|>assistant\n", true, true);
  const std::string answer =
      "The KV cache keeps the keys and values of earlier tokens, so that each new token needs only one pass.";
  const auto run = [&](GenerateOptions options, int context, std::string* streamed, int max_calls = 1 << 30) {
    Session s(model(), small(context));
    Sampler sampler(model(), {.temperature = 0});
    int calls = 0;
    return generate(s, prompt, sampler, options, [&](std::string_view text) {
      *streamed += text;
      return ++calls < max_calls;
    });
  };
  std::string text;
  GenerateResult r = run({}, 256, &text);
  EXPECT_EQ(r.reason, StopReason::end_of_generation);
  EXPECT_EQ(r.text, answer);
  EXPECT_EQ(text, answer);

  text.clear();
  r = run({.max_tokens = 5}, 256, &text);
  EXPECT_EQ(r.reason, StopReason::max_tokens);
  EXPECT_EQ(r.tokens.size(), 5u);
  EXPECT_TRUE(answer.starts_with(r.text));

  text.clear();
  r = run({.stop = {"nothing", "values of"}}, 256, &text);
  EXPECT_EQ(r.reason, StopReason::stop_string);
  EXPECT_EQ(r.text, "The KV cache keeps the keys and ");
  EXPECT_EQ(text, r.text) << "no part of a stop string is streamed";

  text.clear();
  r = run({}, int(prompt.size()) + 4, &text);
  EXPECT_EQ(r.reason, StopReason::context_full);
  EXPECT_EQ(text, r.text);

  text.clear();
  r = run({}, 256, &text, 3);
  EXPECT_EQ(r.reason, StopReason::callback);
}

// The session could read the prompt, the sampler cannot.
TEST(Generate, APromptTheSamplerRefusesIsNotReadEither) {
  TokenTable few;
  few.size = 10;
  few.piece = [](Token) { return std::string("x"); };
  few.ends_generation = [](Token) { return false; };
  few.find = [](std::string_view) { return kNoToken; };
  Sampler sampler = Access::sampler({.temperature = 0}, few);
  Session s(model(), small());
  const auto before = copy(s.feed(std::vector<Token>{5, 6, 7}));
  EXPECT_EQ(code_of([&] { generate(s, std::vector<Token>{8, 200, 9}, sampler); }), Errc::range);
  EXPECT_EQ(s.size(), 3);
  EXPECT_EQ(copy(s.logits(2)), before);
}

}  // namespace
}  // namespace longhand
