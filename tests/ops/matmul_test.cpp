// Matrix products of every format on every instruction set, against sums in double precision.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "ops/format.h"
#include "ops/kernel_table.h"
#include "ops/panels.h"
#include "tests/support/guarded.h"
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

struct Activations {
  test::Guarded<float> f32, rounded, scale;
  test::Guarded<std::int8_t> q8;
  test::Guarded<std::int32_t> sums;
  test::Guarded<std::int16_t> sums32;
  ActView view;

  Activations(const Kernels& k, FormatId format, int tokens, int cols, std::mt19937& random) {
    const Activation kind = format_info(format).activation;
    const int block = kind == Activation::q8_256 ? 256 : 32;
    f32.resize(std::size_t(tokens * cols));
    std::normal_distribution<float> normal;
    for (float& x : f32) x = normal(random);
    view.f32 = f32.data();
    view.f32_stride = cols;
    if (kind == Activation::f32) {
      rounded = f32;
      // Where the processor multiplies bfloat16, what meets BF16 weights is rounded to it, to nearest even.
      if (k.name == std::string("avx512bf16") && format_info(format).name == std::string("BF16"))
        for (float& x : rounded) x = nearest_bfloat(x);
      return;
    }
    q8.resize(f32.size());
    scale.resize(std::size_t(tokens * cols / block));
    sums.resize(std::size_t(tokens * cols / 16));
    sums32.resize(std::size_t(tokens * cols / 32));
    for (int t = 0; t < tokens; ++t) {
      k.quantize(f32.data() + t * cols, cols, block,
                 {q8.data() + t * cols, scale.data() + t * cols / block, sums.data() + t * cols / 16,
                  sums32.data() + t * cols / 32});
    }
    view = {f32.data(), q8.data(), scale.data(), sums.data(), sums32.data(),
            cols,       cols,      cols / block, cols / 16,   cols / 32};
  }

  static float nearest_bfloat(float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    return std::bit_cast<float>((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000);
  }
  double value(int token, int k, int cols, Activation kind) const {
    if (kind == Activation::f32) return rounded[std::size_t(token * cols + k)];
    const int block = kind == Activation::q8_256 ? 256 : 32;
    return double(q8[std::size_t(token * cols + k)]) * scale[std::size_t((token * cols + k) / block)];
  }
};

ActView from_token(ActView x, int t) {
  x.f32 += t * x.f32_stride;
  if (x.q8 != nullptr) {
    x.q8 += t * x.q8_stride;
    x.scale += t * x.scale_stride;
    x.sums += t * x.sums_stride;
    x.sums32 += t * x.sums32_stride;
  }
  return x;
}

struct Weights {
  const std::vector<std::byte>& bytes;
  int rows, cols;
};

std::vector<float> product_of(const Kernels& k, FormatId format, const Weights& w, const ActView& x,
                              int tokens) {
  const MatView plain{format, Layout::rows, w.rows, w.cols, w.bytes.data()};
  test::Guarded<std::byte> panels(panels_bytes(format, w.rows, w.cols));
  const std::size_t stride = panel_bytes(format, w.cols);
  for (int p = 0; p < panel_count(w.rows); ++p)
    interleave_panel(plain, p, panels.data() + std::size_t(p) * stride);
  test::Guarded<float> out(std::size_t(tokens * w.rows), -1);
  MatmulArgs a;
  a.panels = panels.data();
  a.panel_bytes = std::int64_t(stride);
  a.rows = w.rows;
  a.cols = w.cols;
  a.panel_end = panel_count(w.rows);
  a.x = x;
  a.tokens = tokens;
  a.out = out.data();
  a.out_stride = w.rows;
  k.matmul[format](a);
  return {out.begin(), out.end()};
}

class Matmul : public testing::TestWithParam<Case> {
 protected:
  const Kernels& k = *GetParam().kernels;
  FormatId format = GetParam().format;
  std::mt19937 random{11};

  std::vector<float> run(const std::vector<std::byte>& weights, int rows, int cols, const ActView& x,
                         int tokens) {
    return product_of(k, format, {weights, rows, cols}, x, tokens);
  }
};

TEST_P(Matmul, EqualsTheSumOfDecodedWeights) {
  const Activation kind = format_info(format).activation;
  // Blocks of floats have no size of their own, and rows may end anywhere.
  const int rows = 37, cols = kind == Activation::f32 ? 1389 : 768, tokens = 11;
  const auto weights = test::random_weights(format, rows, cols, random);
  const Activations x(k, format, tokens, cols, random);
  const auto out = run(weights, rows, cols, x.view, tokens);
  std::vector<float> w(static_cast<std::size_t>(cols));
  for (int r = 0; r < rows; ++r) {
    decode_row(MatView{format, Layout::rows, rows, cols, weights.data()}, r, w.data());
    for (int t = 0; t < tokens; ++t) {
      double want = 0, magnitude = 0;
      for (int c = 0; c < cols; ++c) {
        want += w[std::size_t(c)] * x.value(t, c, cols, kind);
        magnitude += std::fabs(w[std::size_t(c)] * x.value(t, c, cols, kind));
      }
      ASSERT_NEAR(out[std::size_t(t * rows + r)], want, 2e-6 * magnitude) << "row " << r << " token " << t;
    }
  }
}

TEST_P(Matmul, ResultDoesNotDependOnTheTile) {
  constexpr int rows = 32, cols = 512, tokens = 13;
  const auto weights = test::random_weights(format, rows, cols, random);
  const Activations x(k, format, tokens, cols, random);
  const auto together = run(weights, rows, cols, x.view, tokens);
  for (int t = 0; t < tokens; ++t) {
    const auto alone = run(weights, rows, cols, from_token(x.view, t), 1);
    for (int r = 0; r < rows; ++r)
      ASSERT_EQ(alone[std::size_t(r)], together[std::size_t(t * rows + r)]) << "row " << r << " token " << t;
  }
}

// Hundreds of tokens are taken in blocks, and wide matrices in stages.
TEST_P(Matmul, ResultDoesNotDependOnTheBlockOfTokens) {
  constexpr int rows = 40, cols = 1280, tokens = 203;
  const auto weights = test::random_weights(format, rows, cols, random);
  const Activations x(k, format, tokens, cols, random);
  const auto together = run(weights, rows, cols, x.view, tokens);
  for (int t = 0; t < tokens; t += 6) {
    const auto alone = run(weights, rows, cols, from_token(x.view, t), 1);
    for (int r = 0; r < rows; ++r)
      ASSERT_EQ(alone[std::size_t(r)], together[std::size_t(t * rows + r)]) << "row " << r << " token " << t;
  }
}

// The largest weights against the largest activations: any saturating step would show.
TEST_P(Matmul, ExtremesDoNotSaturate) {
  constexpr int rows = 16, cols = 256;
  const Activation kind = format_info(format).activation;
  if (kind == Activation::f32) GTEST_SKIP() << "floats do not saturate";
  for (const int fill : {0x00, 0xFF, 0x80, 0x7F}) {
    auto weights = test::random_weights(format, rows, cols, random);
    const FormatInfo& info = format_info(format);
    for (std::size_t block = 0; block < weights.size(); block += info.block_bytes) {
      for (int f = 0; f < info.n_fields; ++f) {
        if (info.fields[f].unit != 4) continue;
        for (int o = 0; o < info.fields[f].bytes; ++o)
          weights[block + info.fields[f].offset + std::size_t(o)] = std::byte(fill);
      }
    }
    for (const int sign : {127, -127}) {
      Activations x(k, format, 1, cols, random);
      for (auto& q : x.q8) q = std::int8_t(sign);
      for (auto& s : x.sums)
        s = std::int32_t(std::uint32_t(8 * sign & 0xFFFF) | std::uint32_t(8 * sign) << 16);
      for (auto& s : x.sums32) s = std::int16_t(32 * sign);
      const auto out = run(weights, rows, cols, x.view, 1);
      std::vector<float> w(cols);
      for (int r = 0; r < rows; ++r) {
        decode_row(MatView{format, Layout::rows, rows, cols, weights.data()}, r, w.data());
        double want = 0, magnitude = 0;
        for (int c = 0; c < cols; ++c) {
          want += w[std::size_t(c)] * x.value(0, c, cols, kind);
          magnitude += std::fabs(w[std::size_t(c)] * x.value(0, c, cols, kind));
        }
        ASSERT_NEAR(out[std::size_t(r)], want, 2e-6 * magnitude + 1e-30) << "fill " << fill << " row " << r;
      }
    }
  }
}

// A hundred thousand random blocks of every format, under every instruction set, one token each.
TEST(MatmulOfManyBlocks, EqualsTheSumOfDecodedWeights) {
  constexpr int kBlocks = 100'000, rows = 256;
  std::mt19937 random(12);
  for (int f = 0; f < kFormatCount; ++f) {
    const auto format = FormatId(f);
    const Activation kind = format_info(format).activation;
    const int cols = 4 * 256;
    const int blocks = rows * cols / std::max<int>(format_info(format).block_elements, 32);
    for (int done = 0; done < kBlocks; done += blocks) {
      const auto weights = test::random_weights(format, rows, cols, random);
      // Rounded to bfloat16 already, so that it is the same for kernels that do so.
      Activations x(*available_kernels().front(), format, 1, cols, random);
      for (float& value : x.f32) value = Activations::nearest_bfloat(value);
      x.rounded = x.f32;
      std::vector<double> want(rows), magnitude(rows);
      std::vector<float> w(static_cast<std::size_t>(cols));
      for (int r = 0; r < rows; ++r) {
        decode_row(MatView{format, Layout::rows, rows, cols, weights.data()}, r, w.data());
        for (int c = 0; c < cols; ++c) {
          const double product = w[std::size_t(c)] * x.value(0, c, cols, kind);
          want[std::size_t(r)] += product;
          magnitude[std::size_t(r)] += std::fabs(product);
        }
      }
      for (const Kernels* k : available_kernels()) {
        const std::vector<float> out = product_of(*k, format, {weights, rows, cols}, x.view, 1);
        for (std::size_t r = 0; r < rows; ++r)
          ASSERT_NEAR(out[r], want[r], 2e-6 * magnitude[r])
              << k->name << " " << format_info(format).name << " row " << r;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, Matmul, testing::ValuesIn(every_case()), case_name);

}  // namespace
}  // namespace longhand
