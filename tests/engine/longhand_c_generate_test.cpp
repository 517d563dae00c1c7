// The interface in C: samplers, and generating with them.
#include "engine/longhand_c.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/longhand.h"
#include "tests/support/longhand_c.h"

namespace longhand::test {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;

TEST_F(LonghandC, GeneratesWhatCppGeneratesAndStreamsIt) {
  const Model same = Model::load(kGuide);
  Session cpp_session(same, {.context = 256, .threads = 1});
  Sampler cpp_sampler(same, {.temperature = 0});
  const GenerateResult expected =
      generate(cpp_session, same.encode("The capital of Peru"), cpp_sampler, {.max_tokens = 12});

  const auto s = session();
  const auto chooser = greedy();
  std::string streamed;
  lh_generate_options options = lh_generate_defaults();
  options.max_tokens = 12;
  options.on_text_user = &streamed;
  options.on_text = [](void* user, lh_text text) {
    static_cast<std::string*>(user)->append(text.data, text.size);
    return 0;
  };
  lh_generate_result result;
  result.size = sizeof result;
  const std::vector<lh_token> prompt = encode("The capital of Peru");
  ASSERT_EQ(lh_generate(s.get(), chooser.get(), view(prompt), &options, &result, &error_), LH_OK)
      << error_.message;
  EXPECT_EQ(std::string_view(result.text.data, result.text.size), expected.text);
  EXPECT_EQ(streamed, expected.text);
  EXPECT_THAT(std::span(result.tokens.data, result.tokens.size), ElementsAreArray(expected.tokens));
  EXPECT_EQ(int(result.reason), int(expected.reason));
  EXPECT_EQ(result.prompt_tokens, int(prompt.size()));
}

TEST_F(LonghandC, GuessesGiveTheSameTextInFewerFeeds) {
  const std::vector<lh_token> prompt =
      encode("The KV cache keeps keys. The KV cache keeps keys. The KV cache keeps");
  lh_generate_options options = lh_generate_defaults();
  options.max_tokens = 20;
  const auto chooser = greedy();
  const auto write = [&](lh_session* session) {
    lh_rewind(session, 0, nullptr);
    lh_generate_result result;
    result.size = sizeof result;
    EXPECT_EQ(lh_generate(session, chooser.get(), view(prompt), &options, &result, &error_), LH_OK)
        << error_.message;
    return result;
  };
  const auto tokens_in = [](const lh_generate_result& r) {
    return std::vector<lh_token>(r.tokens.data, r.tokens.data + r.tokens.size);
  };
  const auto s = session(), other = session();
  lh_generate_result result = write(s.get());
  const std::vector<lh_token> plain = tokens_in(result);
  const int feeds = result.feeds;
  EXPECT_EQ(result.guesses, 0);
  EXPECT_GT(feeds, 1);
  lh_speculation_options how = lh_speculation_defaults();
  EXPECT_EQ(how.adapt, 1);
  EXPECT_EQ(how.most, 0);
  how.adapt = 0;
  for (const lh_model* draft : {static_cast<lh_model*>(nullptr), model()}) {
    how.draft = draft;
    const auto guesses = speculation(s.get(), &how);
    options.speculation = guesses.get();
    result = write(s.get());
    EXPECT_EQ(tokens_in(result), plain);
    EXPECT_GT(result.guesses, 0);
    EXPECT_EQ(result.feeds + result.right_guesses, feeds);
    if (draft != nullptr) { EXPECT_LT(result.feeds, feeds) << "a model is its own best draft"; }
    EXPECT_EQ(lh_generate(other.get(), chooser.get(), view(prompt), &options, nullptr, &error_),
              LH_E_ARGUMENT)
        << "made for another session";
    EXPECT_EQ(lh_session_size(other.get()), 0);
  }
  how.most = 64;
  lh_speculation* made = nullptr;
  EXPECT_EQ(lh_speculation_new(s.get(), &how, &made, &error_), LH_E_RANGE);
  how = lh_speculation_defaults();
  EXPECT_EQ(how.mtp, 0);
  how.mtp = 1;  // the guide has no prediction layers
  EXPECT_EQ(lh_speculation_new(s.get(), &how, &made, &error_), LH_E_UNSUPPORTED);
  EXPECT_EQ(made, nullptr);
}

TEST_F(LonghandC, TextCallbacksStopAndMayThrow) {
  const auto s = session();
  const auto chooser = greedy();
  const std::vector<lh_token> prompt = encode("The capital of Peru");
  lh_generate_options options = lh_generate_defaults();
  lh_generate_result result;
  result.size = sizeof result;
  options.on_text = [](void*, lh_text) { return 1; };
  ASSERT_EQ(lh_generate(s.get(), chooser.get(), view(prompt), &options, &result, &error_), LH_OK);
  EXPECT_EQ(result.reason, LH_STOP_CALLBACK);
  lh_rewind(s.get(), 0, nullptr);
  options.on_text = [](void*, lh_text) -> int { throw std::runtime_error("of the caller"); };
  EXPECT_EQ(lh_generate(s.get(), chooser.get(), view(prompt), &options, &result, &error_), LH_E_CALLBACK);
  EXPECT_EQ(error_.status, LH_E_CALLBACK);
}

TEST_F(LonghandC, ACallbackThatUsesTheSessionIsToldThatItIsBusy) {
  const auto s = session();
  const auto chooser = greedy();
  struct Inner {
    lh_session* session;
    lh_status status = LH_OK;
  } inner{s.get()};
  lh_generate_options options = lh_generate_defaults();
  options.on_text_user = &inner;
  options.on_text = [](void* user, lh_text) {
    auto& i = *static_cast<Inner*>(user);
    i.status = lh_rewind(i.session, 0, nullptr);
    return 1;
  };
  const std::vector<lh_token> prompt = encode("The capital of Peru");
  ASSERT_EQ(lh_generate(s.get(), chooser.get(), view(prompt), &options, nullptr, &error_), LH_OK);
  EXPECT_EQ(inner.status, LH_E_BUSY);
}

TEST_F(LonghandC, StopStringsEndTheText) {
  const auto s = session();
  const auto chooser = greedy();
  const char* const stops[] = {"Lima"};
  lh_generate_options options = lh_generate_defaults();
  options.stop = stops;
  options.stop_count = 1;
  lh_generate_result result;
  result.size = sizeof result;
  const std::vector<lh_token> prompt = encode("The capital of Peru");
  ASSERT_EQ(lh_generate(s.get(), chooser.get(), view(prompt), &options, &result, &error_), LH_OK);
  EXPECT_EQ(result.reason, LH_STOP_STRING);
  EXPECT_THAT(std::string(result.text.data, result.text.size), testing::Not(HasSubstr("Lima")));
  options.stop_count = 2;
  options.stop = nullptr;
  EXPECT_EQ(lh_generate(s.get(), chooser.get(), view(prompt), &options, &result, &error_), LH_E_ARGUMENT);
}

TEST_F(LonghandC, SamplersPickFromLogitsAndRefuseOthers) {
  const auto s = session();
  const auto chooser = greedy();
  const std::vector<lh_token> prompt = encode("The capital of Peru");
  lh_logits logits{};
  ASSERT_EQ(lh_feed(s.get(), view(prompt), &logits, &error_), LH_OK);
  ASSERT_EQ(lh_sampler_accept(chooser.get(), view(prompt), &error_), LH_OK);
  lh_token token = -1;
  ASSERT_EQ(lh_sample(chooser.get(), logits, &token, &error_), LH_OK);
  const auto best = std::max_element(logits.data, logits.data + logits.size);
  EXPECT_EQ(token, best - logits.data);
  EXPECT_EQ(lh_sample(chooser.get(), {logits.data, 3}, &token, &error_), LH_E_SHAPE);
  const std::vector<float> bad(logits.size, std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(lh_sample(chooser.get(), {bad.data(), bad.size()}, &token, &error_), LH_E_NONFINITE);
  EXPECT_EQ(lh_sampler_reset(chooser.get(), &error_), LH_OK);
}

TEST_F(LonghandC, GrammarsAndBiasesReachTheSampler) {
  const auto s = session();
  const lh_token_bias bias = {encode("x").back(), 1000};
  lh_sampler_options options = lh_sampler_defaults();
  options.logit_bias = &bias;
  options.logit_bias_count = 1;
  options.seed = 7;
  lh_sampler* made = nullptr;
  ASSERT_EQ(lh_sampler_new(model(), &options, &made, &error_), LH_OK) << error_.message;
  const SamplerPtr biased(made);
  EXPECT_EQ(lh_sampler_seed(biased.get()), 7u);
  lh_logits logits{};
  const std::vector<lh_token> prompt = encode("The capital of Peru");
  ASSERT_EQ(lh_feed(s.get(), view(prompt), &logits, &error_), LH_OK);
  lh_token token = -1;
  ASSERT_EQ(lh_sample(biased.get(), logits, &token, &error_), LH_OK);
  EXPECT_EQ(token, bias.token);

  options = lh_sampler_defaults();
  options.json_schema = R"({"enum": ["yes", "no"]})";
  ASSERT_EQ(lh_sampler_new(model(), &options, &made, &error_), LH_OK) << error_.message;
  const SamplerPtr constrained(made);
  lh_generate_result result;
  result.size = sizeof result;
  ASSERT_EQ(lh_generate(s.get(), constrained.get(), {nullptr, 0}, nullptr, &result, &error_), LH_OK)
      << error_.message;
  EXPECT_THAT(std::string(result.text.data, result.text.size), testing::AnyOf("\"yes\"", "\"no\""));
}

}  // namespace
}  // namespace longhand::test
