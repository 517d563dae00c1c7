#include "cli/flags/sampling_flags.h"

#include <gmock/gmock.h>

#include <cmath>
#include <functional>

#include "ops/error.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace longhand::cli {
namespace {

SamplerOptions parsed(const std::vector<std::string>& arguments, std::set<std::string>* given = nullptr) {
  CLI::App app;
  SamplingFlags flags;
  flags.add_to(app);
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  app.parse(reversed);
  if (given != nullptr) *given = flags.given();
  return flags.options();
}

TEST(SamplingFlags, ValuesArriveInTheOptions) {
  const SamplerOptions o = parsed(
      {"-s",         "7",          "--temp",       "0.5", "--top-k",         "-1", "--top-p",       "0.9",
       "--typical",  "0.7",        "--top-nsigma", "2",   "--repeat-last-n", "-1", "--mirostat-lr", "0.3",
       "--samplers", "top_k;temp", "--ignore-eos", "-l",  "5+1.5",           "-l", "6-inf"});
  EXPECT_EQ(o.seed, 7u);
  EXPECT_FLOAT_EQ(o.temperature, 0.5f);
  EXPECT_EQ(o.top_k, -1);
  EXPECT_FLOAT_EQ(o.top_p, 0.9f);
  EXPECT_FLOAT_EQ(o.typical_p, 0.7f);
  EXPECT_FLOAT_EQ(o.top_n_sigma, 2.0f);
  EXPECT_EQ(o.penalty_last_n, -1);
  EXPECT_FLOAT_EQ(o.mirostat_eta, 0.3f);
  EXPECT_THAT(o.stages, testing::ElementsAre(SamplerStage::top_k, SamplerStage::temperature));
  EXPECT_TRUE(o.ignore_eos);
  EXPECT_THAT(o.logit_bias, testing::ElementsAre(testing::Pair(5, 1.5f), testing::Pair(6, -INFINITY)));
}

TEST(SamplingFlags, DefaultsAreTheLibrarys) {
  const SamplerOptions o = parsed({});
  EXPECT_EQ(o.seed, SamplerOptions{}.seed);
  EXPECT_EQ(o.stages, SamplerOptions{}.stages);
  EXPECT_EQ(o.dry_breakers, SamplerOptions{}.dry_breakers);
  EXPECT_TRUE(o.grammar.empty());
}

TEST(SamplingFlags, WhatTheUserSetIsKnown) {
  std::set<std::string> given;
  parsed({"--temp", "0.8", "--min-p", "0"}, &given);
  EXPECT_THAT(given, testing::ElementsAre("min_p", "temp"));
}

TEST(SamplingFlags, BreakersReplaceTheDefault) {
  EXPECT_THAT(parsed({"--dry-sequence-breaker", "none"}).dry_breakers, testing::IsEmpty());
  EXPECT_THAT(parsed({"--dry-sequence-breaker", "\\n", "--dry-sequence-breaker", "x"}).dry_breakers,
              testing::ElementsAre("\n", "x"));
}

TEST(SamplingFlags, SchemaBecomesAGrammar) {
  EXPECT_THAT(parsed({"-j", "{}"}).grammar, testing::StartsWith("root ::= schema"));
  EXPECT_THROW(parsed({"-j", "{}", "--grammar", "root ::= \"a\""}), CLI::ParseError);
}

TEST(SamplingFlags, BadLogitBiasIsRefused) {
  for (const char* bad : {"", "5", "x+1", "5+", "5+x", "5*1", "5+1x"})
    EXPECT_THROW(parse_logit_bias(bad), Error) << bad;
}

// A file whose authors recommend values.
Gguf recommending(const test::TempDir& dir, const std::function<void(test::GgufWriter&)>& recommend) {
  test::GgufWriter writer = test::tiny_llama();
  recommend(writer);
  const std::string path = dir.file("model.gguf");
  writer.write(path);
  return Gguf::open(path);
}

TEST(ModelDefaults, ApplyWhereTheUserSaidNothing) {
  const test::TempDir dir;
  const Gguf file = recommending(dir, [](test::GgufWriter& w) {
    w.add("general.sampling.temp", 0.6f).add("general.sampling.top_k", std::uint32_t{20});
    w.add("general.sampling.top_p", 0.95f).add("general.sampling.min_p", 0.01f);
    w.add("general.sampling.penalty_repeat", 1.1f).add("general.sampling.penalty_last_n", std::int32_t{-1});
    w.add("general.sampling.xtc_probability", 0.5f).add("general.sampling.xtc_threshold", 0.2f);
    w.add("general.sampling.mirostat", std::uint32_t{2}).add("general.sampling.mirostat_tau", 4.0f);
    w.add("general.sampling.mirostat_eta", 0.3f);
  });
  SamplerOptions options;
  apply_model_defaults(options, file, {"top_k", "min_p"});
  EXPECT_FLOAT_EQ(options.temperature, 0.6f);
  EXPECT_EQ(options.top_k, SamplerOptions{}.top_k) << "chosen by the user";
  EXPECT_FLOAT_EQ(options.top_p, 0.95f);
  EXPECT_FLOAT_EQ(options.min_p, SamplerOptions{}.min_p) << "chosen by the user";
  EXPECT_FLOAT_EQ(options.repeat_penalty, 1.1f);
  EXPECT_EQ(options.penalty_last_n, -1);
  EXPECT_FLOAT_EQ(options.xtc_probability, 0.5f);
  EXPECT_FLOAT_EQ(options.xtc_threshold, 0.2f);
  EXPECT_EQ(options.mirostat, 2);
  EXPECT_FLOAT_EQ(options.mirostat_tau, 4.0f);
  EXPECT_FLOAT_EQ(options.mirostat_eta, 0.3f);
}

TEST(ModelDefaults, AFlagOfTheSameValueAsTheDefaultIsStillAChoice) {
  std::set<std::string> given;
  SamplerOptions options = parsed({"--temp", "0.8"}, &given);
  const test::TempDir dir;
  apply_model_defaults(
      options, recommending(dir, [](test::GgufWriter& w) { w.add("general.sampling.temp", 0.1f); }), given);
  EXPECT_FLOAT_EQ(options.temperature, 0.8f);
}

TEST(ModelDefaults, BadOnesAreRefused) {
  const test::TempDir dir;
  SamplerOptions options;
  EXPECT_THROW(
      apply_model_defaults(
          options, recommending(dir, [](test::GgufWriter& w) { w.add("general.sampling.top_p", 7.0f); }), {}),
      Error);
  EXPECT_THROW(
      apply_model_defaults(
          options,
          recommending(dir, [](test::GgufWriter& w) { w.add("general.sampling.temp", std::string("hot")); }),
          {}),
      Error);
}

}  // namespace
}  // namespace longhand::cli
