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
  EXPECT_EQ(rope_reach({{slow}}, 1 << 20), 1 + int(std::acos(0) / slow));
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

// The first base of two digits, at least `from`, that reaches `length`.
double first_base(int rot, int length, double from) {
  for (int exponent = 1; exponent <= 12; ++exponent) {
    for (int mantissa = 10; mantissa < 100; ++mantissa) {
      const double base = std::pow(10.0, exponent) * mantissa / 10;
      if (base >= from && rope_reach(frequencies(rot, base), length) >= length) return base;
    }
  }
  return 0;
}

// Lower bounds for 128 rotated dimensions, Men et al. 2024. That of 256k and above all that of 1M are larger
// than the definition asks for: 3.3e7 and 3.5e8 do.
TEST(BaseBounds, AgreeWithThePublishedTable) {
  constexpr struct {
    int length;
    double base, within;
  } kPublished[] = {{1'000, 4.3e3, 0.01},   {2'000, 1.6e4, 0.01},    {4'000, 2.7e4, 0.01},
                    {8'000, 8.4e4, 0.01},   {16'000, 3.1e5, 0.04},   {32'000, 6.4e5, 0.02},
                    {64'000, 2.1e6, 0.01},  {128'000, 7.8e6, 0.01},  {256'000, 3.6e7, 0.1},
                    {512'000, 6.4e7, 0.02}, {1'024'000, 5.1e8, 0.33}};
  for (const auto& row : kPublished) {
    const double least = first_base(128, row.length, row.base / 4);
    EXPECT_NEAR(least / row.base, 1, row.within) << row.length;
    const bool short_enough = row.length <= 8'000;  // the others take their time
    EXPECT_NEAR(short_enough ? base_bounds(128, row.length).least / least : 1, 1, 1e-9) << row.length;
  }
}

TEST(BaseBounds, AreTheFirstThatReachesALengthAndTheFirstOfAllThatDo) {
  for (const int length : {300, 1024, 3000}) {
    const BaseBounds bounds = base_bounds(64, length);
    EXPECT_EQ(bounds.least, first_base(64, length, 0)) << "none below";
    ASSERT_GE(bounds.sure, bounds.least);
    for (double base = bounds.sure; base < bounds.sure * 9;) {
      const double next = first_base(64, length, base * 1.0001);
      EXPECT_LT(next, base * 1.101) << "the next one of two digits does not reach " << length;
      base = next;
    }
  }
  // 7.8e3 reaches 1024 tokens, and yet 1e4 does not.
  EXPECT_NEAR(base_bounds(64, 1024).least, 7.8e3, 1);
  EXPECT_GT(base_bounds(64, 1024).sure, 1e4);
  EXPECT_EQ(base_bounds(2, 100).least, 0) << "two dimensions turn as fast whatever the base";
  EXPECT_EQ(base_bounds(2, 100).sure, 0);
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
  const auto pairs = std::size_t(plain->rot / 2);
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
