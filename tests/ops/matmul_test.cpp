// Matrix products of every format on every instruction set, against sums in double precision.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "ops/format.h"
#include "ops/kernel_table.h"
#include "ops/panels.h"
#include "tests/support/matrix_product.h"
#include "tests/support/random_weights.h"

namespace longhand {
namespace {

struct Case {
  const Kernels* kernels;
  FormatId format;
};

std::vector<Case> every_case() {
  std::vector<Case> cases;
  for (const Kernels* k : available_kernels()) {
    for (int f = 0; f < kFormatCount; ++f) cases.push_back({k, FormatId(f)});
  }
  return cases;
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  return std::string(info.param.kernels->name) + "_" + format_info(info.param.format).name;
}

std::vector<float> normal_values(std::size_t n, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> values(n);
  std::ranges::generate(values, [&] { return normal(random); });
  return values;
}

test::RoundedActivations random_activations(const Case& c, int tokens, int cols, std::mt19937& random) {
  return {*c.kernels, c.format, tokens, normal_values(std::size_t(tokens * cols), random)};
}

// A product in double precision, and the sum of its terms' sizes.
struct Exact {
  double value = 0, magnitude = 0;

  Exact(const std::vector<float>& row, const test::RoundedActivations& x, int token) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      const double product = double(row[c]) * x.at(std::size_t(token) * row.size() + c);
      value += product;
      magnitude += std::fabs(product);
    }
  }
};

class Matmul : public testing::TestWithParam<Case> {
 protected:
  const Kernels& k = *GetParam().kernels;
  FormatId format = GetParam().format;
  std::mt19937 random{11};

  MatView view(const std::vector<std::byte>& weights, int rows, int cols) const {
    return {format, Layout::rows, rows, cols, weights.data()};
  }
  void expect_exact(const MatView& weights, const test::RoundedActivations& x, int tokens) const {
    const auto out = test::product_of(k, weights, x.view(), tokens);
    std::vector<float> row(std::size_t(weights.cols));
    for (int r = 0; r < weights.rows; ++r) {
      decode_row(weights, r, row.data());
      for (int t = 0; t < tokens; ++t) {
        const Exact want(row, x, t);
        ASSERT_NEAR(out[std::size_t(t * weights.rows + r)], want.value, 2e-6 * want.magnitude + 1e-30)
            << "row " << r << " token " << t << " of " << tokens;
      }
    }
  }
  void expect_same_alone(const MatView& weights, const test::RoundedActivations& x, int tokens,
                         int step) const {
    const auto together = test::product_of(k, weights, x.view(), tokens);
    for (int t = 0; t < tokens; t += step) {
      const auto alone = test::product_of(k, weights, test::from_token(x.view(), t), 1);
      for (int r = 0; r < weights.rows; ++r)
        ASSERT_EQ(alone[std::size_t(r)], together[std::size_t(t * weights.rows + r)])
            << "row " << r << " token " << t << " of " << tokens;
    }
  }
};

TEST_P(Matmul, EqualsTheSumOfDecodedWeights) {
  // Blocks of floats have no size of their own, and rows may end anywhere.
  const int rows = 37, cols = is_float(format_info(format).activation) ? 1389 : 768;
  const auto weights = test::random_weights(format, rows, cols, random);
  for (const int tokens : {4, 27})
    expect_exact(view(weights, rows, cols), random_activations(GetParam(), tokens, cols, random), tokens);
}

// Whatever tiles so many tokens are divided into, with weights unpacked once or for each tile.
TEST_P(Matmul, ResultDoesNotDependOnTheTile) {
  constexpr int rows = 32, cols = 512, kMost = 40;  // the widest tiles, and the first number with a stage
  const auto weights = test::random_weights(format, rows, cols, random);
  const auto x = random_activations(GetParam(), kMost, cols, random);
  for (int tokens = 2; tokens <= kMost; ++tokens) expect_same_alone(view(weights, rows, cols), x, tokens, 1);
}

// Hundreds of tokens are taken in blocks, and wide matrices in stages: panel by panel or all panels a stage.
TEST_P(Matmul, ResultDoesNotDependOnTheBlockOfTokens) {
  constexpr int rows = 40, tokens = 203;
  for (const int cols : {1280, 2304}) {
    const auto weights = test::random_weights(format, rows, cols, random);
    const auto x = random_activations(GetParam(), tokens, cols, random);
    expect_same_alone(view(weights, rows, cols), x, tokens, 6);
  }
}

// The largest weights against the largest activations: any saturating step would show.
TEST_P(Matmul, ExtremesDoNotSaturate) {
  constexpr int rows = 16, cols = 256;
  if (is_float(format_info(format).activation)) GTEST_SKIP() << "floats do not saturate";
  for (const int fill : {0x00, 0xFF, 0x80, 0x7F}) {
    auto weights = test::random_weights(format, rows, cols, random);
    const FormatInfo& info = format_info(format);
    test::for_each_block(format, cols, weights.size(), [&](std::size_t block) {
      for (int f = 0; f < info.n_fields; ++f) {
        if (info.fields[f].unit != 4) continue;
        for (int o = 0; o < info.fields[f].bytes; ++o)
          weights[block + info.fields[f].offset + std::size_t(o)] = std::byte(fill);
      }
    });
    for (const int sign : {127, -127}) {
      auto x = random_activations(GetParam(), 1, cols, random);
      std::ranges::fill(x.q8, std::int8_t(sign));
      std::ranges::fill(x.sums,
                        std::int32_t(std::uint32_t(8 * sign & 0xFFFF) | std::uint32_t(8 * sign) << 16));
      std::ranges::fill(x.sums32, std::int16_t(32 * sign));
      SCOPED_TRACE(testing::Message() << "fill " << fill << " sign " << sign);
      expect_exact(view(weights, rows, cols), x, 1);
    }
  }
}

// A hundred thousand random blocks of every format, under every instruction set, one token each.
TEST(MatmulOfManyBlocks, EqualsTheSumOfDecodedWeights) {
  constexpr int kBlocks = 100'000, rows = 256, cols = 4 * 256;
  std::mt19937 random(12);
  for (int f = 0; f < kFormatCount; ++f) {
    const auto format = FormatId(f);
    const int blocks = rows * cols / std::max<int>(format_info(format).block_elements, 32);
    for (int done = 0; done < kBlocks; done += blocks) {
      const auto weights = test::random_weights(format, rows, cols, random);
      const MatView view{format, Layout::rows, rows, cols, weights.data()};
      // Rounded to bfloat16 already, so that it is the same for kernels that do so.
      auto values = normal_values(cols, random);
      std::ranges::transform(values, values.begin(), test::nearest_bfloat);
      const test::RoundedActivations x(*available_kernels().front(), format, 1, values);
      std::vector<Exact> want;
      std::vector<float> row = std::vector<float>(std::size_t(cols));
      for (int r = 0; r < rows; ++r) {
        decode_row(view, r, row.data());
        want.emplace_back(row, x, 0);
      }
      for (const Kernels* k : available_kernels()) {
        const std::vector<float> out = test::product_of(*k, view, x.view(), 1);
        for (std::size_t r = 0; r < rows; ++r)
          ASSERT_NEAR(out[r], want[r].value, 2e-6 * want[r].magnitude)
              << k->name << " " << format_info(format).name << " row " << r;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, Matmul, testing::ValuesIn(every_case()), case_name);

}  // namespace
}  // namespace longhand
