// Tokens with probabilities, and the hidden states that logits come from.
#include "engine/types/probability.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "engine/api/access.h"
#include "engine/forward/model.h"
#include "ops/panels.h"
#include "tests/support/error_code.h"
#include "tests/support/tiny_session.h"

namespace longhand {
namespace {

using test::code_of;
using test::copy_of;
using test::some_tokens;
using test::tiny;

constexpr float kInf = std::numeric_limits<float>::infinity();

// ln softmax(logits), in double.
std::vector<double> log_softmax(std::span<const float> logits) {
  double sum = 0, most = *std::ranges::max_element(logits);
  for (const float x : logits) sum += std::exp(x - most);
  std::vector<double> out;
  for (const float x : logits) out.push_back(x - most - std::log(sum));
  return out;
}

TEST(Probabilities, AreTheSoftmaxOfLogits) {
  Session session(tiny(), test::small_session());
  const std::vector<float> logits = copy_of(session.feed(some_tokens(20)));
  const std::vector<double> want = log_softmax(logits);
  std::vector<Token> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order,
                           [&](Token a, Token b) { return logits[std::size_t(a)] > logits[std::size_t(b)]; });
  for (const int most : {0, 1, 5, 299, 300, 10000}) {
    const auto top = top_log_probabilities(logits, most);
    ASSERT_EQ(top.size(), std::min(std::size_t(most), logits.size()));
    for (std::size_t i = 0; i < top.size(); ++i) {
      EXPECT_EQ(top[i].token, order[i]);
      EXPECT_NEAR(top[i].log_probability, want[std::size_t(order[i])], 1e-5);
    }
  }
  EXPECT_NEAR(log_probability(logits, 7), want[7], 1e-5);
}

TEST(Probabilities, OfExtremeLogits) {
  const std::vector<float> far = {-1e30f, 88.0f, 1e30f, -kInf, 1e30f};
  const auto top = top_log_probabilities(far, 9);
  ASSERT_EQ(top.size(), 4u) << "an impossible token is none of the likeliest";
  EXPECT_EQ(top[0].token, 2);
  EXPECT_EQ(top[1].token, 4);
  EXPECT_FLOAT_EQ(top[0].log_probability, -std::log(2.0f));
  EXPECT_EQ(log_probability(far, 3), -kInf);
}

TEST(Probabilities, RefuseWhatIsNone) {
  const std::vector<float> fine = {1, 2}, nan = {1, std::nanf("")}, infinite = {kInf, 1},
                           none = {-kInf, -kInf};
  EXPECT_EQ(code_of([&] { top_log_probabilities(fine, -1); }), Errc::range);
  EXPECT_EQ(code_of([&] { log_probability(fine, 2); }), Errc::range);
  EXPECT_EQ(code_of([&] { log_probability(fine, -1); }), Errc::range);
  for (const std::vector<float>& bad : {nan, infinite, none, std::vector<float>{}}) {
    EXPECT_EQ(code_of([&] { top_log_probabilities(bad, 1); }), Errc::nonfinite);
  }
  EXPECT_EQ(code_of([&] { log_probability(nan, 0); }), Errc::nonfinite);
}

// Each step is that of the logits at its place, whatever was guessed ahead.
TEST(Probabilities, ComeWithEachGeneratedToken) {
  const std::vector<Token> prompt = some_tokens(40);
  Session session(tiny(), test::small_session({}, CacheType::f32)),
      again(tiny(), test::small_session({}, CacheType::f32));
  std::vector<TokenStep> told;
  GenerateOptions options{.max_tokens = 30, .top_log_probabilities = 3};
  options.on_token = [&](const TokenStep& step) {
    told.push_back(step);
    return true;
  };
  Sampler sampler(tiny(), {.seed = 5, .temperature = 1.5f});
  const GenerateResult plain = generate(session, prompt, sampler, options);
  ASSERT_FALSE(plain.tokens.empty());
  ASSERT_EQ(plain.steps.size(), plain.tokens.size());
  ASSERT_EQ(told.size(), plain.tokens.size());
  std::vector<float> logits = copy_of(again.feed(prompt));
  for (std::size_t i = 0; i < plain.tokens.size(); ++i) {
    EXPECT_EQ(plain.steps[i].token, plain.tokens[i]);
    EXPECT_EQ(told[i].token, plain.tokens[i]);
    EXPECT_EQ(told[i].log_probability, plain.steps[i].log_probability);
    EXPECT_EQ(plain.steps[i].log_probability, log_probability(logits, plain.tokens[i]));
    const auto top = top_log_probabilities(logits, 3);
    ASSERT_EQ(plain.steps[i].top.size(), 3u);
    for (std::size_t j = 0; j < 3; ++j) EXPECT_EQ(plain.steps[i].top[j].token, top[j].token);
    logits = copy_of(again.feed({&plain.tokens[i], 1}));
  }

  again.rewind(0);
  Speculation speculation(again, test::small_session({}, CacheType::f32), {.adapt = false});
  sampler.reset();
  options.speculation = &speculation;
  const GenerateResult guessed = generate(again, prompt, sampler, options);
  ASSERT_EQ(guessed.tokens, plain.tokens);
  for (std::size_t i = 0; i < guessed.steps.size(); ++i)
    EXPECT_EQ(guessed.steps[i].log_probability, plain.steps[i].log_probability);
}

TEST(Probabilities, AreOnlyComputedWhereAskedFor) {
  Session session(tiny(), test::small_session());
  Sampler sampler(tiny(), {.temperature = 0});
  int told = 0;
  GenerateOptions options{.max_tokens = 9};
  options.on_token = [&](const TokenStep& step) {
    EXPECT_TRUE(step.top.empty());
    EXPECT_EQ(step.log_probability, 0);
    return ++told < 3;
  };
  const GenerateResult result = generate(session, some_tokens(5), sampler, options);
  EXPECT_EQ(result.reason, StopReason::callback);
  EXPECT_EQ(result.tokens.size(), 3u);
  EXPECT_TRUE(result.steps.empty());
}

TEST(Hidden, StatesAreWhatLogitsAreMadeOf) {
  const ModelData& model = model_data(tiny());
  const MatView& head = model.weights.output.weight;
  SessionOptions options = test::small_session({}, CacheType::f32);
  Session session(tiny(), options), other(tiny(), options);
  const std::vector<Token> text = some_tokens(40);
  std::vector<std::vector<float>> hidden, logits;
  session.feed(
      text,
      [&](int position, std::span<const float> row) {
        EXPECT_EQ(position, int(hidden.size()));
        hidden.push_back(copy_of(row));
      },
      Want::hidden);
  other.feed(text, [&](int, std::span<const float> row) { logits.push_back(copy_of(row)); });
  ASSERT_EQ(hidden.size(), text.size());
  std::vector<float> weights(std::size_t(head.cols));
  for (std::size_t t = 0; t < text.size(); ++t) {
    ASSERT_EQ(hidden[t].size(), weights.size());
    double error = 0, size = 0;
    for (std::size_t token = 0; token < logits[t].size(); ++token) {
      decode_row(head, int(token), weights.data());
      const double exact = std::inner_product(weights.begin(), weights.end(), hidden[t].begin(), 0.0);
      error += (exact - logits[t][token]) * (exact - logits[t][token]);
      size += exact * exact;
    }
    EXPECT_LT(error / size, 1e-4) << t;  // kernels round what they multiply
  }
  EXPECT_EQ(copy_of(session.logits(39)), logits[39]);
  EXPECT_EQ(copy_of(session.logits(3)), logits[3]);
}

TEST(Hidden, StatesDoNotDependOnBatches) {
  SessionOptions options = test::small_session({}, CacheType::f32);
  const auto states = [&](int batch) {
    options.batch = batch;
    Session session(tiny(), options);
    std::vector<float> all;
    session.feed(
        some_tokens(50),
        [&](int, std::span<const float> row) { all.insert(all.end(), row.begin(), row.end()); },
        Want::hidden);
    return all;
  };
  EXPECT_EQ(states(64), states(1));
  EXPECT_EQ(states(64), states(17));
}

}  // namespace
}  // namespace longhand
