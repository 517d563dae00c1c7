#include "cli/sampling_flags.h"

#include <gmock/gmock.h>

#include <cmath>

#include "ops/error.h"

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
  EXPECT_THAT(parsed({"-j", "{}"}).grammar, testing::StartsWith("root ::= value"));
  EXPECT_THROW(parsed({"-j", "{}", "--grammar", "root ::= \"a\""}), CLI::ParseError);
}

TEST(SamplingFlags, BadLogitBiasIsRefused) {
  for (const char* bad : {"", "5", "x+1", "5+", "5+x", "5*1", "5+1x"})
    EXPECT_THROW(parse_logit_bias(bad), Error) << bad;
}

}  // namespace
}  // namespace longhand::cli
