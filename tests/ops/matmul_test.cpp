// Matrix products of every format on every instruction set, against sums in double precision.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "ops/format.h"
#include "ops/kernel_table.h"
#include "ops/panels.h"
#include "tests/support/guarded.h"

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

// Random blocks whose scales are moderate; everything else takes all values.
std::vector<std::byte> random_weights(FormatId format, int rows, int cols, std::mt19937& random) {
  std::vector<std::byte> bytes(row_bytes(format, cols) * std::size_t(rows));
  const FormatInfo& info = format_info(format);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = std::byte(random() & 0xFF);
  for (std::size_t block = 0; block < bytes.size(); block += info.block_bytes) {
    for (int f = 0; f < info.n_fields; ++f) {
      const Field& field = info.fields[f];
      for (int o = field.offset; o < field.offset + field.bytes; o += field.unit) {
        if (field.unit == 1)
          bytes[block + std::size_t(o)] = std::byte(120 + random() % 12);  // E8M0 exponents
        // The high byte of a half or bfloat16: exponents near 1. IQ4_XS keeps bits of scales in its second
        // unit.
        if (field.unit == 2 && !(info.name == std::string("IQ4_XS") && o == 2)) {
          bytes[block + std::size_t(o) + 1] = std::byte((random() & 0x80) | (0x34 + random() % 8));
        }
        if (format == kFormatF32) bytes[block + 3] = std::byte((random() & 0x80) | 0x3E);
      }
    }
  }
  return bytes;
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

class Matmul : public testing::TestWithParam<Case> {
 protected:
  const Kernels& k = *GetParam().kernels;
  FormatId format = GetParam().format;
  std::mt19937 random{11};

  std::vector<float> run(const std::vector<std::byte>& weights, int rows, int cols, const ActView& x,
                         int tokens) {
    const MatView plain{format, Layout::rows, rows, cols, weights.data()};
    test::Guarded<std::byte> panels(panels_bytes(format, rows, cols));
    const std::size_t stride = panel_bytes(format, cols);
    for (int p = 0; p < panel_count(rows); ++p)
      interleave_panel(plain, p, panels.data() + std::size_t(p) * stride);
    test::Guarded<float> out(std::size_t(tokens * rows), -1);
    MatmulArgs a;
    a.panels = panels.data();
    a.panel_bytes = std::int64_t(stride);
    a.rows = rows;
    a.cols = cols;
    a.panel_end = panel_count(rows);
    a.x = x;
    a.tokens = tokens;
    a.out = out.data();
    a.out_stride = rows;
    k.matmul[format](a);
    return {out.begin(), out.end()};
  }
};

TEST_P(Matmul, EqualsTheSumOfDecodedWeights) {
  const Activation kind = format_info(format).activation;
  // Blocks of floats have no size of their own, and rows may end anywhere.
  const int rows = 37, cols = kind == Activation::f32 ? 1389 : 768, tokens = 11;
  const auto weights = random_weights(format, rows, cols, random);
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
  const auto weights = random_weights(format, rows, cols, random);
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
  const auto weights = random_weights(format, rows, cols, random);
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
    auto weights = random_weights(format, rows, cols, random);
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

INSTANTIATE_TEST_SUITE_P(Kernels, Matmul, testing::ValuesIn(every_case()), case_name);

}  // namespace
}  // namespace longhand
