// Requests with adapters of their own are answered beside others as they are alone, and find only texts that
// were computed with the same.
#include <gmock/gmock.h>

#include "engine/longhand_serve.h"
#include "tests/support/error_code.h"
#include "tests/support/golden_model.h"
#include "tests/support/lora.h"
#include "tests/support/scheduling.h"
#include "tests/support/tiny_session.h"

namespace longhand {
namespace {

using test::options_of_tests;

struct Told {
  std::vector<Token> tokens;
  RequestResult result;
};

RequestListener listener(Told& told) {
  return {.on_token =
              [&](const TokenStep& step) {
                told.tokens.push_back(step.token);
                return true;
              },
          .on_end = [&](const RequestResult& result) { told.result = result; }};
}

SamplerOptions greedy() {
  SamplerOptions o;
  o.temperature = 0;
  return o;
}

class AdaptedScheduler : public test::GoldenModel {
 protected:
  Request request(const std::vector<Token>& prompt, std::optional<std::vector<AdapterUse>> uses) const {
    return {.prompt = prompt,
            .sampler = Sampler(model(), greedy()),
            .max_tokens = 12,
            .adapters = std::move(uses)};
  }
  std::vector<Token> alone(const std::vector<Token>& prompt, const std::vector<AdapterUse>& uses) const {
    SessionOptions o = options_of_tests().session;
    o.adapters = uses;
    Session session(model(), o);
    Sampler sampler(model(), greedy());
    return generate(session, prompt, sampler, {.max_tokens = 12}).tokens;
  }
  Adapter adapter(unsigned seed) const {
    return Adapter::load_memory(model(), test::random_lora(model(), {.rank = 4, .seed = seed}).bytes());
  }
};

TEST_P(AdaptedScheduler, GivesEachRequestItsOwn) {
  const Adapter a = adapter(1), b = adapter(2);
  SchedulerOptions o = options_of_tests();
  o.session.adapters = {{a, 1}};
  Scheduler scheduler(model(), o);
  const std::vector<std::optional<std::vector<AdapterUse>>> uses = {
      std::nullopt, std::vector<AdapterUse>{}, std::vector<AdapterUse>{{b, 1}},
      std::vector<AdapterUse>{{a, -1}, {b, 0.5f}}};
  const std::vector<Token> prompt = test::some_tokens(60);
  std::vector<Told> told(uses.size());
  for (std::size_t i = 0; i < uses.size(); ++i) scheduler.submit(request(prompt, uses[i]), listener(told[i]));
  ASSERT_TRUE(scheduler.wait_idle());
  for (std::size_t i = 0; i < uses.size(); ++i) {
    EXPECT_EQ(told[i].tokens, alone(prompt, uses[i] ? *uses[i] : o.session.adapters)) << i;
    EXPECT_EQ(told[i].result.cached_tokens, 0) << i;
  }
}

TEST_P(AdaptedScheduler, FindsOnlyTextsOfTheSame) {
  const Adapter a = adapter(1);
  Scheduler scheduler(model(), options_of_tests());
  const std::vector<Token> prompt = test::some_tokens(80);
  const auto cached = [&](std::optional<std::vector<AdapterUse>> uses) {
    Told told;
    scheduler.submit(request(prompt, std::move(uses)), listener(told));
    EXPECT_TRUE(scheduler.wait_idle());
    return told.result.cached_tokens;
  };
  EXPECT_EQ(cached(std::nullopt), 0);
  EXPECT_GE(cached(std::vector<AdapterUse>{}), 60);
  EXPECT_EQ(cached(std::vector<AdapterUse>{{a, 1}}), 0);
  EXPECT_EQ(cached(std::vector<AdapterUse>{{a, 0.5f}}), 0);
  EXPECT_GE(cached(std::vector<AdapterUse>{{a, 1}}), 60);
  EXPECT_GE(cached(std::nullopt), 60);
}

TEST_P(AdaptedScheduler, RefusesThoseOfAnotherModel) {
  const Model other = Model::load(test::golden(std::string("archs/") + GetParam()) + "/model.gguf");
  const Adapter a = Adapter::load_memory(other, test::random_lora(other, {}).bytes());
  Scheduler scheduler(model(), options_of_tests());
  EXPECT_EQ(test::code_of([&] {
              scheduler.submit(request(test::some_tokens(5), std::vector<AdapterUse>{{a, 1}}));
            }),
            Errc::mismatch);
}

INSTANTIATE_TEST_SUITE_P(Golden, AdaptedScheduler, testing::Values("llama", "qwen35"), test::name_of_arch);

}  // namespace
}  // namespace longhand
