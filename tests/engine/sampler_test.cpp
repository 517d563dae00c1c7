#include "engine/api/access.h"
#include "engine/longhand.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <set>

#include "engine/sampling/token_table.h"
#include "ops/error.h"
#include "ops/random.h"

namespace longhand {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Token i is a letter or so; the last one ends generation.
TokenTable letters(int size) {
  TokenTable table;
  table.size = size;
  table.piece = [size](Token t) { return t == size - 1 ? "" : std::string(1, char('a' + t % 26)); };
  table.ends_generation = [size](Token t) { return t == size - 1; };
  table.find = [](std::string_view) { return kNoToken; };
  return table;
}

std::vector<float> noise(std::size_t size, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> logits(size);
  for (float& x : logits) x = float(random.uniform() * 12.0 - 6.0);
  return logits;
}

std::vector<Token> run(Sampler& sampler, std::size_t size, int steps) {
  std::vector<Token> out;
  for (int i = 0; i < steps; ++i) out.push_back(sampler.pick(noise(size, std::uint64_t(i))));
  return out;
}

template <class Function>
void expect_error(Errc code, const std::string& part, Function function) {
  try {
    function();
    ADD_FAILURE() << "no error; expected " << errc_name(code) << " with " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(part));
  }
}

TEST(Sampler, SameSeedSameTokens) {
  SamplerOptions options;
  options.seed = 7;
  Sampler a = Access::sampler(options, letters(500));
  Sampler b = Access::sampler(options, letters(500));
  const std::vector<Token> first = run(a, 500, 50);
  EXPECT_EQ(run(b, 500, 50), first);
  a.reset();
  EXPECT_EQ(run(a, 500, 50), first);
  options.seed = 8;
  Sampler c = Access::sampler(options, letters(500));
  EXPECT_NE(run(c, 500, 50), first);
}

TEST(Sampler, DefaultChainIsPinned) {
  SamplerOptions options;
  options.seed = 1234;
  Sampler sampler = Access::sampler(options, letters(100));
  EXPECT_THAT(run(sampler, 100, 8), ElementsAre(60, 95, 82, 43, 59, 5, 29, 71));
}

TEST(Sampler, FreshSeedIsReported) {
  Sampler sampler = Access::sampler(SamplerOptions{}, letters(300));
  SamplerOptions again;
  again.seed = sampler.seed();
  Sampler other = Access::sampler(again, letters(300));
  EXPECT_EQ(run(sampler, 300, 20), run(other, 300, 20));
}

TEST(Sampler, ZeroTemperatureTakesTheLowestOfTheBest) {
  SamplerOptions options;
  options.temperature = 0;
  options.xtc_probability = 1;  // filters have no say
  options.typical_p = 0.1f;
  Sampler sampler = Access::sampler(options, letters(4));
  EXPECT_EQ(sampler.pick(std::vector<float>{1, 3, 3, 2}), 1);
}

TEST(Sampler, GreedyHeedsBiasAndPenalties) {
  SamplerOptions options;
  options.temperature = 0;
  options.logit_bias = {{2, -kInf}, {0, 0.5f}};
  options.presence_penalty = 1.0f;
  Sampler sampler = Access::sampler(options, letters(4));
  const std::vector<float> logits = {1.0f, 0.9f, 5.0f, 0.0f};
  EXPECT_EQ(sampler.pick(logits), 0);
  EXPECT_EQ(sampler.pick(logits), 1);
  EXPECT_EQ(sampler.pick(logits), 0);
}

TEST(Sampler, PromptCountsForPenalties) {
  SamplerOptions options;
  options.temperature = 0;
  options.presence_penalty = 1.0f;
  Sampler sampler = Access::sampler(options, letters(4));
  sampler.accept(std::vector<Token>{0});
  EXPECT_EQ(sampler.pick(std::vector<float>{1.0f, 0.9f, 0, 0}), 1);
}

TEST(Sampler, IgnoreEosAndSuppressedTokensAreNeverDrawn) {
  SamplerOptions options;
  options.ignore_eos = true;
  TokenTable table = letters(4);
  table.suppressed = {1};
  Sampler sampler = Access::sampler(options, table);
  for (int i = 0; i < 200; ++i) {
    const Token token = sampler.pick(std::vector<float>{0, 5, 0, 5});
    ASSERT_TRUE(token == 0 || token == 2);
  }
}

// The default chain in closed form: of 40 candidates those above both cuts, at temperature 0.8.
TEST(Sampler, DefaultChainHasTheExpectedDistribution) {
  const std::vector<double> p = {0.5, 0.2, 0.15, 0.1, 0.03, 0.02};
  std::vector<float> logits;
  for (const double x : p) logits.push_back(float(std::log(x)));
  // top-p 0.94 keeps four (0.95 is reached); min-p 0.05 * 0.5 / 0.95 would keep them all.
  std::vector<double> expected;
  double total = 0.0;
  for (const double x : {0.5, 0.2, 0.15, 0.1}) total += expected.emplace_back(std::pow(x, 1 / 0.8));
  SamplerOptions options;
  options.seed = 99;
  options.top_p = 0.94f;
  Sampler sampler = Access::sampler(options, letters(6));
  constexpr int kDraws = 50000;
  std::vector<int> counts(6, 0);
  for (int i = 0; i < kDraws; ++i) ++counts[std::size_t(sampler.pick(logits))];
  double statistic = 0.0;
  for (std::size_t i = 0; i < 4; ++i) {
    const double e = expected[i] / total * kDraws;
    statistic += (counts[i] - e) * (counts[i] - e) / e;
  }
  EXPECT_LT(statistic, 16.3) << "0.999 quantile with 3 degrees of freedom is 16.27";
  EXPECT_EQ(counts[4] + counts[5], 0);
}

TEST(Sampler, StagesRunInTheOrderGiven) {
  // Temperature 3 before min-p lets the second token pass; after it, not.
  const std::vector<float> logits = {3.5f, 0.0f};
  SamplerOptions options;
  options.temperature = 3.0f;
  const auto kinds = [&](std::string_view stages) {
    options.stages = parse_sampler_stages(stages);
    Sampler sampler = Access::sampler(options, letters(2));
    std::set<Token> seen;
    for (int i = 0; i < 300; ++i) seen.insert(sampler.pick(logits));
    return seen.size();
  };
  EXPECT_EQ(kinds("mt"), 1u);
  EXPECT_EQ(kinds("tm"), 2u);
}

TEST(Sampler, BadLogitsAreNamedAndChangeNothing) {
  SamplerOptions options;
  options.seed = 5;
  Sampler sampler = Access::sampler(options, letters(100));
  Sampler other = Access::sampler(options, letters(100));
  EXPECT_EQ(run(sampler, 100, 3), run(other, 100, 3));
  std::vector<float> logits = noise(100, 50);
  logits[42] = kNan;
  expect_error(Errc::nonfinite, "after 3 tokens: the logit of token 42 is nan",
               [&] { sampler.pick(logits); });
  logits[42] = kInf;
  expect_error(Errc::nonfinite, "token 42 is inf", [&] { sampler.pick(logits); });
  expect_error(Errc::nonfinite, "all logits are -inf", [&] { sampler.pick(std::vector<float>(100, -kInf)); });
  expect_error(Errc::shape, "7 logits", [&] { sampler.pick(std::vector<float>(7)); });
  expect_error(Errc::range, "token 100", [&] { sampler.accept(std::vector<Token>{1, 100}); });
  EXPECT_EQ(run(sampler, 100, 20), run(other, 100, 20));
}

TEST(Sampler, BadOptionsAreNamed) {
  const auto refuse = [](const std::string& name, auto change) {
    SamplerOptions options;
    change(options);
    expect_error(Errc::range, name, [&] { Access::sampler(options, letters(10)); });
  };
  for (const float bad : {kNan, kInf, -kInf}) {
    refuse("temperature", [&](SamplerOptions& o) { o.temperature = bad; });
    refuse("dynatemp_range", [&](SamplerOptions& o) { o.dynatemp_range = bad; });
    refuse("dynatemp_exponent", [&](SamplerOptions& o) { o.dynatemp_exponent = bad; });
    refuse("top_p", [&](SamplerOptions& o) { o.top_p = bad; });
    refuse("min_p", [&](SamplerOptions& o) { o.min_p = bad; });
    refuse("typical_p", [&](SamplerOptions& o) { o.typical_p = bad; });
    refuse("top_n_sigma", [&](SamplerOptions& o) { o.top_n_sigma = bad; });
    refuse("xtc_probability", [&](SamplerOptions& o) { o.xtc_probability = bad; });
    refuse("xtc_threshold", [&](SamplerOptions& o) { o.xtc_threshold = bad; });
    refuse("repeat_penalty", [&](SamplerOptions& o) { o.repeat_penalty = bad; });
    refuse("frequency_penalty", [&](SamplerOptions& o) { o.frequency_penalty = bad; });
    refuse("presence_penalty", [&](SamplerOptions& o) { o.presence_penalty = bad; });
    refuse("dry_multiplier", [&](SamplerOptions& o) { o.dry_multiplier = bad; });
    refuse("dry_base", [&](SamplerOptions& o) { o.dry_base = bad; });
    refuse("mirostat_tau", [&](SamplerOptions& o) { o.mirostat_tau = bad; });
    refuse("mirostat_eta", [&](SamplerOptions& o) { o.mirostat_eta = bad; });
  }
  refuse("top_p", [](SamplerOptions& o) { o.top_p = 1.5f; });
  refuse("repeat_penalty", [](SamplerOptions& o) { o.repeat_penalty = 0; });
  refuse("min_keep", [](SamplerOptions& o) { o.min_keep = -1; });
  refuse("mirostat", [](SamplerOptions& o) { o.mirostat = 3; });
  refuse("logit_bias", [](SamplerOptions& o) { o.logit_bias = {{10, 1.0f}}; });
  refuse("logit_bias", [](SamplerOptions& o) { o.logit_bias = {{-1, 1.0f}}; });
  refuse("logit_bias", [](SamplerOptions& o) { o.logit_bias = {{1, kNan}}; });
  refuse("logit_bias", [](SamplerOptions& o) { o.logit_bias = {{1, kInf}}; });
}

// Whatever legal options and logits are combined, a token that was not suppressed comes out.
TEST(Sampler, SweepOfOptionsAlwaysDraws) {
  Random random(17);
  const auto one_of = [&](const std::vector<float>& values) { return values[random.next() % values.size()]; };
  const auto int_of = [&](const std::vector<float>& values) { return int(one_of(values)); };
  for (int round = 0; round < 3000; ++round) {
    SamplerOptions o;
    o.seed = std::uint32_t(round);
    o.temperature = one_of({-1, 0, 1e-30f, 1e-6f, 0.8f, 1, 100, 1e6f});
    o.dynatemp_range = one_of({0, 0, 0.5f, 100});
    o.dynatemp_exponent = one_of({0, 1, 3});
    o.top_k = int_of({-1, 0, 1, 2, 40, 1e6f});
    o.top_p = one_of({0, 1e-10f, 0.5f, 0.999999f, 1});
    o.min_p = one_of({0, 1e-30f, 0.05f, 1});
    o.typical_p = one_of({0, 0.5f, 1});
    o.top_n_sigma = one_of({-1, 0, 1e-6f, 1, 1e6f});
    o.xtc_probability = one_of({0, 0.5f, 1});
    o.xtc_threshold = one_of({0, 0.1f, 0.5f, 1});
    o.min_keep = int_of({0, 0, 1, 5, 1e6f});
    o.penalty_last_n = int_of({-1, 0, 1, 64});
    o.repeat_penalty = one_of({1e-6f, 1, 1.1f, 1e6f});
    o.frequency_penalty = one_of({-1e6f, 0, 0.1f, 1e6f});
    o.dry_multiplier = one_of({0, 0.8f, 1e6f});
    o.dry_base = one_of({1, 1.75f, 1e6f});
    o.dry_allowed_length = int_of({0, 1, 2});
    o.mirostat = int_of({0, 0, 0, 1, 2});
    o.mirostat_tau = one_of({0, 5, 1e6f});
    o.mirostat_eta = one_of({0, 0.1f, 1e6f});
    for (std::size_t i = o.stages.size(); i > 1; --i) std::swap(o.stages[i - 1], o.stages[random.next() % i]);
    const std::size_t size = 1 + random.next() % 70;
    Sampler sampler = Access::sampler(o, letters(int(size)));
    const float scale = one_of({0, 1e-38f, 1, 10, 1e38f});
    for (int step = 0; step < 5; ++step) {
      std::vector<float> logits = noise(size, random.next());
      for (float& x : logits) x = random.uniform() < 0.3 ? -kInf : x / 6 * scale;
      logits[random.next() % size] = one_of({-3.4e38f, 0, 3.4e38f});
      const Token token = sampler.pick(logits);
      ASSERT_GE(token, 0);
      ASSERT_LT(token, Token(size));
      ASSERT_NE(logits[std::size_t(token)], -kInf) << round;
    }
  }
}

TEST(SamplerStages, NamesAndLettersAreRead) {
  EXPECT_EQ(parse_sampler_stages("edskypmxt"), SamplerOptions{}.stages);
  EXPECT_EQ(parse_sampler_stages("penalties;dry;top_n_sigma;top_k;typical_p;top_p;min_p;xtc;temperature"),
            SamplerOptions{}.stages);
  EXPECT_THAT(parse_sampler_stages("top-k; temp ;typ_p;"),
              ElementsAre(SamplerStage::top_k, SamplerStage::temperature, SamplerStage::typical_p));
  EXPECT_THAT(parse_sampler_stages("dry"), ElementsAre(SamplerStage::dry));
  EXPECT_THAT(parse_sampler_stages("kt"), ElementsAre(SamplerStage::top_k, SamplerStage::temperature));
  EXPECT_TRUE(parse_sampler_stages("").empty());
  expect_error(Errc::range, "top_q", [] { parse_sampler_stages("top_k;top_q"); });
  expect_error(Errc::range, "'z'", [] { parse_sampler_stages("kz"); });
}

}  // namespace
}  // namespace longhand
