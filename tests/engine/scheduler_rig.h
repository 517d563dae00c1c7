// Requests of a scheduler's tests: what each was told, and what it gets alone.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/longhand_serve.h"
#include "tests/support/scheduling.h"
#include "tests/support/tiny_session.h"

namespace longhand::test {

inline SamplerOptions sampling(std::uint32_t seed) {
  SamplerOptions o;
  o.seed = seed;
  o.temperature = 1.2f;
  o.repeat_penalty = 1.1f;
  return o;
}

// What a request was told.
struct Told {
  std::vector<Token> tokens;
  std::vector<float> log_probabilities;
  std::string text;
  std::vector<int> read;
  RequestResult result;
  int ends = 0;
};

inline RequestListener listener(Told& told) {
  return {.on_reading = [&](const ReadingProgress& p) { told.read.push_back(p.read); },
          .on_token =
              [&](const TokenStep& step) {
                told.tokens.push_back(step.token);
                told.log_probabilities.push_back(step.log_probability);
                return true;
              },
          .on_text =
              [&](std::string_view text) {
                told.text += text;
                return true;
              },
          .on_end =
              [&](const RequestResult& result) {
                told.result = result;
                ++told.ends;
              }};
}

inline Request request_of(const Model& model, std::vector<Token> prompt, std::uint32_t seed,
                          int max_tokens = 20) {
  return {.prompt = std::move(prompt),
          .sampler = Sampler(model, sampling(seed)),
          .max_tokens = max_tokens,
          .top_log_probabilities = 2};
}

struct Alone {
  std::vector<Token> tokens;
  std::vector<float> log_probabilities;
  std::string text;
};
inline Alone alone(const Model& model, const std::vector<Token>& prompt, std::uint32_t seed,
                   int max_tokens = 20) {
  Session session(model, options_of_tests().session);
  Sampler sampler(model, sampling(seed));
  const GenerateResult result =
      generate(session, prompt, sampler, {.max_tokens = max_tokens, .top_log_probabilities = 2});
  Alone out{result.tokens, {}, result.text};
  for (const TokenStep& step : result.steps) out.log_probabilities.push_back(step.log_probability);
  return out;
}

inline void expect_same(const Told& told, const Alone& expected) {
  EXPECT_EQ(told.tokens, expected.tokens);
  EXPECT_EQ(told.log_probabilities, expected.log_probabilities);
  EXPECT_EQ(told.text, expected.text);
  EXPECT_EQ(told.ends, 1);
}

}  // namespace longhand::test
