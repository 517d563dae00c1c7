#include "engine/api/advice.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/longhand.h"
#include "ops/rope_table.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace longhand::test {
namespace {

std::vector<double> frequencies(int rot, double base) {
  return make_rope_table({.rot = rot, .base = base}).inv_freq;
}

TEST(RopeReach, KnownValues) {
  EXPECT_EQ(rope_reach(frequencies(128, 1e4), 1 << 20), 1707);
  EXPECT_EQ(rope_reach(frequencies(64, 5e5), 1 << 20), 9937);
}

TEST(RopeReach, OnePairReachesAQuarterTurn) {
  const double slow = 1e-3;
  EXPECT_EQ(rope_reach({{slow}}, 1 << 20), 1 + static_cast<int>(std::acos(0) / slow));
}

TEST(RopeReach, StopsAtTheLimit) {
  EXPECT_EQ(rope_reach(frequencies(128, 1e4), 100), 100);
  EXPECT_EQ(rope_reach({{0.0}}, 5000), 5000);  // a pair that never turns
}

TEST(RopeReach, AgreesWithTheDefinitionTermByTerm) {
  const std::vector<double> theta = frequencies(64, 5e5);
  const int reach = rope_reach(theta, 1 << 20);
  const auto sum = [&](int t) {
    double total = 0;
    for (const double f : theta) total += std::cos(t * f);
    return total;
  };
  for (int t = 0; t < reach; ++t) ASSERT_GE(sum(t), 0) << t;
  EXPECT_LT(sum(reach), 0);
}

// Published lower bounds for 128 rotated dimensions.
TEST(LeastBase, AgreesWithPublishedBounds) {
  EXPECT_NEAR(least_base(128, 1000) / 4.3e3, 1, 0.05);
  EXPECT_NEAR(least_base(128, 2000) / 1.6e4, 1, 0.05);
  EXPECT_NEAR(least_base(128, 4000) / 2.7e4, 1, 0.05);
  EXPECT_NEAR(least_base(128, 8000) / 8.4e4, 1, 0.05);
  EXPECT_NEAR(least_base(128, 16000) / 3.1e5, 1, 0.05);
}

TEST(LeastBase, ReachesWhatItPromises) {
  const double base = least_base(64, 3000);
  EXPECT_GE(rope_reach(frequencies(64, base), 3000), 3000);
}

class ContextAdviceTest : public testing::Test {
 protected:
  std::optional<ContextAdvice> advice(const GgufWriter& writer) {
    const std::string path = dir_.file("model.gguf");
    writer.write(path);
    return context_advice(Gguf::open(path));
  }
  TempDir dir_;
};

TEST_F(ContextAdviceTest, ComesFromTheFile) {
  const auto plain = advice(tiny_llama());
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->reach, rope_reach(frequencies(plain->rot, plain->base), 1 << 20));
  ASSERT_FALSE(plain->bases.empty());
  EXPECT_EQ(plain->bases[0].length, plain->trained);
  ASSERT_FALSE(plain->gains.empty());
  EXPECT_NEAR(plain->gains[0].log_n, 1, 1e-12);
  EXPECT_NEAR(plain->gains[0].cosine, 1, 1e-9);
  EXPECT_GT(plain->gains[2].normal, plain->gains[1].normal);
}

// Frequencies of the file, all divided by `divisor`.
int slower_reach(const ContextAdvice& plain, double divisor) {
  std::vector<double> theta = frequencies(plain.rot, plain.base);
  for (double& f : theta) f /= divisor;
  return rope_reach(theta, 1 << 20);
}

TEST_F(ContextAdviceTest, StretchedPositionsCount) {
  const auto plain = advice(tiny_llama());
  GgufWriter writer = tiny_llama();
  writer.add("llama.rope.scaling.type", "linear").add("llama.rope.scaling.factor", 4.0f);
  const auto stretched = advice(writer);
  ASSERT_TRUE(plain.has_value() && stretched.has_value());
  EXPECT_EQ(stretched->reach, slower_reach(*plain, 4));
  EXPECT_NE(stretched->reach, plain->reach);
}

TEST_F(ContextAdviceTest, FactorTensorsCount) {
  const auto plain = advice(tiny_llama());
  ASSERT_TRUE(plain.has_value());
  GgufWriter writer = tiny_llama();
  const auto pairs = static_cast<std::size_t>(plain->rot / 2);
  writer.tensor("rope_freqs.weight", {pairs}, std::vector<float>(pairs, 2.0f));
  EXPECT_EQ(advice(writer)->reach, slower_reach(*plain, 2));
}

TEST(TextReach, IsBoundedByWhatTheMemoryLooksAt) {
  const test::TempDir dir;
  test::tiny_llama().write(dir.file("m"));
  const Model model = Model::load(dir.file("m"), {.threads = 1});
  const int trained = model.info().trained_context, far = 64 * trained;
  const auto reach = [&](const SessionOptions& o) { return text_reach(model, o, far); };
  const int plain = reach({});
  EXPECT_GE(plain, trained);
  EXPECT_LT(plain, far);
  EXPECT_EQ(text_reach(model, {}, trained), trained) << "nothing is too long inside";
  EXPECT_GT(reach({.rope = {.scaling = RopeScaling::linear, .factor = 8}}), plain);
  for (const char* memory : {"window", "rerope", "vq", "performer"})
    EXPECT_EQ(reach({.attention = {.memory = memory, .window = trained / 4}}), far) << memory;
  EXPECT_EQ(reach({.attention = {.memory = "vq", .window = trained / 4, .far = far}}), plain);
  EXPECT_EQ(reach({.context = far, .attention = {.memory = "leaky-rerope", .window = trained / 4}}), far);
  EXPECT_EQ(reach({.attention = {.memory = "leaky-rerope", .window = trained / 4, .leak = 2}}),
            trained / 4 + 2 * (plain - trained / 4));
}

}  // namespace
}  // namespace longhand::test
