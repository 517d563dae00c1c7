// A real model, trained by others, writes the same stories word for word.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/longhand.h"
#include "tests/support/golden.h"

namespace longhand {
namespace {

using Json = nlohmann::json;

struct Best {
  Token token;
  float lead;  // over the second best
};

Best best(std::span<const float> logits) {
  const auto first = std::max_element(logits.begin(), logits.end());
  float second = -std::numeric_limits<float>::infinity();
  for (auto it = logits.begin(); it != logits.end(); ++it) {
    if (it != first) second = std::max(second, *it);
  }
  return {Token(first - logits.begin()), *first - second};
}

class GoldenGreedy : public testing::TestWithParam<CacheType> {};

TEST_P(GoldenGreedy, StoriesComeOutTheSame) {
  const std::string data = test::golden("real/greedy.json"), file = test::golden("real/stories260K.gguf");
  LONGHAND_NEED_GOLDEN(data);
  LONGHAND_NEED_GOLDEN(file);
  const Json golden = Json::parse(test::read_text(data));
  const Model model = Model::load(file);
  SessionOptions options;
  options.context = golden.at("n_ctx");
  options.key_cache = options.value_cache = GetParam();

  // Sums in another order may turn a choice between logits this close; what follows is then another story.
  constexpr float kTie = 0.002f;
  ASSERT_FALSE(golden.at("greedy").empty());
  for (const Json& story : golden.at("greedy")) {
    SCOPED_TRACE(story.at("prompt").get<std::string>());
    const auto want = story.at("greedy_ids").get<std::vector<Token>>();
    const auto prompt = model.encode(story.at("prompt").get<std::string>());
    ASSERT_EQ(prompt, story.at("prompt_ids").get<std::vector<Token>>());

    Session session(model, options);
    Best next = best(session.feed(prompt));
    std::size_t same = 0;
    while (same < want.size() && next.token == want[same]) next = best(session.feed({&want[same++], 1}));
    if (same == want.size()) {
      EXPECT_EQ(model.decode(want), story.at("text").get<std::string>());
    } else {
      EXPECT_LT(next.lead, kTie) << "token " << same << " is another one";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Caches, GoldenGreedy, testing::Values(CacheType::f32, CacheType::f16));

}  // namespace
}  // namespace longhand
