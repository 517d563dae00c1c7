#include "cli/flags/sampling_flags.h"

#include <gmock/gmock.h>

#include <cmath>

#include "ops/error.h"

namespace longhand::cli {
namespace {

SamplerOptions parsed(const std::vector<std::string>& arguments,
                      const SamplerOptions* recommended = nullptr) {
  CLI::App app;
  SamplingFlags flags;
  flags.add_to(app);
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  app.parse(reversed);
  SamplerOptions options = flags.options();
  if (recommended != nullptr) flags.apply(*recommended, options);
  return options;
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

TEST(ModelDefaults, ApplyWhereTheUserSaidNothing) {
  SamplerOptions recommended;
  recommended.temperature = 0.6f;
  recommended.top_k = 20;
  recommended.min_p = 0.01f;
  recommended.mirostat = 2;
  const SamplerOptions o = parsed({"--top-k", "40", "--min-p", "0"}, &recommended);
  EXPECT_FLOAT_EQ(o.temperature, 0.6f);
  EXPECT_EQ(o.top_k, 40) << "a flag of the same value as the default is still a choice";
  EXPECT_EQ(o.min_p, 0) << "chosen by the user";
  EXPECT_EQ(o.mirostat, 2);
}

TEST(ModelDefaults, LeaveWhatNoFileRecommends) {
  const SamplerOptions recommended;
  const SamplerOptions o =
      parsed({"-s", "7", "--ignore-eos", "--samplers", "temp", "--grammar", "root ::= \"a\""}, &recommended);
  EXPECT_EQ(o.seed, 7u);
  EXPECT_TRUE(o.ignore_eos);
  EXPECT_THAT(o.stages, testing::ElementsAre(SamplerStage::temperature));
  EXPECT_EQ(o.grammar, "root ::= \"a\"");
}

}  // namespace
}  // namespace longhand::cli
