// Models that know the order of tokens otherwise than by rotation: learned positions, and scores that fall
// with the distance.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/longhand.h"
#include "tests/support/error_code.h"
#include "tests/support/golden.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace longhand {
namespace {

using U32 = std::uint32_t;

std::vector<float> logits_of(Session& session, const std::vector<Token>& ids) {
  std::vector<float> logits;
  session.feed(ids,
               [&](int, std::span<const float> row) { logits.insert(logits.end(), row.begin(), row.end()); });
  return logits;
}

std::vector<Token> text(int n) {
  std::vector<Token> ids;
  for (int i = 0; i < n; ++i) ids.push_back(Token(40 + i * 7 % 200));
  return ids;
}

Model with(const std::function<void(test::GgufWriter&)>& change) {
  test::TempDir folder;
  test::GgufWriter writer = test::tiny_llama();
  change(writer);
  writer.write(folder.file("model.gguf"));
  return Model::load(folder.file("model.gguf"));
}

TEST(LearnedPositions, BoundTheContext) {
  const std::string folder = test::golden("archs/gpt2");
  LONGHAND_NEED_GOLDEN(folder);
  const Model model = Model::load(folder + "/model.gguf");
  EXPECT_EQ(Session(model).context(), 128);
  EXPECT_EQ(Session(model, {.context = 128}).context(), 128);
  Session longer(model, {.context = 256});
  EXPECT_EQ(longer.context(), 128);
  EXPECT_EQ(test::code_of([&] { longer.feed(text(129)); }), Errc::context_full);
  EXPECT_EQ(longer.feed(text(128)).size(), std::size_t(model.info().vocab));
}

class Alibi : public testing::Test {
 protected:
  Model model = with([](auto& w) { w.add("llama.attention.max_alibi_bias", U32{8}); });
};

TEST_F(Alibi, ChangesWhatATokenSeesOfOthers) {
  Session biased(model);
  const Model plain = with([](auto&) {});
  Session unbiased(plain);
  const auto a = logits_of(biased, text(2)), b = logits_of(unbiased, text(2));
  const auto vocab = std::ptrdiff_t(a.size() / 2);
  EXPECT_EQ(std::vector(a.begin(), a.begin() + vocab), std::vector(b.begin(), b.begin() + vocab))
      << "the first token is at distance 0 from all it sees";
  EXPECT_NE(a, b);
}

TEST_F(Alibi, MemoriesThatKeepDistancesAgree) {
  Session full(model, {.key_cache = CacheType::f32, .value_cache = CacheType::f32});
  SessionOptions options{.batch = 7, .key_cache = CacheType::f32, .value_cache = CacheType::f32};
  options.attention.memory = "window";
  options.attention.window = 64;
  Session window(model, options);
  EXPECT_EQ(logits_of(full, text(60)), logits_of(window, text(60)));
}

TEST_F(Alibi, IsRefusedWhereFarKeysHaveNoDistance) {
  for (const char* memory : {"rerope", "leaky-rerope", "vq", "performer"}) {
    SessionOptions options;
    options.attention.memory = memory;
    std::string message;
    EXPECT_EQ(test::code_of([&] { Session(model, options); }, &message), Errc::range);
    EXPECT_THAT(message, testing::HasSubstr("ALiBi"));
  }
}

TEST(Clamp, HoldsQueriesKeysAndValues) {
  const auto logits = [](float clamp) {
    const Model model = with([&](auto& w) { w.add("llama.attention.clamp_kqv", clamp); });
    Session session(model);
    return logits_of(session, text(9));
  };
  EXPECT_EQ(logits(1e6f), logits(0));
  EXPECT_NE(logits(0.01f), logits(0));
  EXPECT_NE(logits(0.01f), logits(0.02f));
}

}  // namespace
}  // namespace longhand
