// Causal convolutions and the gated delta rule on every instruction set, against double precision; and that
// tokens may come in any pieces.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "ops/kernel_table.h"
#include "tests/support/guarded.h"

namespace longhand {
namespace {

using Floats = test::Guarded<float>;

class Recurrent : public testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& k = *GetParam();
  std::mt19937 random{5};

  Floats normal(std::int64_t n) {
    std::normal_distribution<float> d;
    Floats x(std::size_t(n), 0.0f);
    for (float& v : x) v = d(random);
    return x;
  }
};

TEST_P(Recurrent, Convolution) {
  for (const int n : {1, 7, 16, 45}) {
    for (const int width : {1, 3, 4}) {
      const Floats weight = normal(std::int64_t{n} * width), bias = normal(n);
      std::vector<Floats> rows;
      std::vector<const float*> taps;
      for (int j = 0; j < width; ++j) rows.push_back(normal(n));
      for (const Floats& row : rows) taps.push_back(row.data());
      for (const bool silu : {false, true}) {
        Floats out(std::size_t(n), 0.0f);
        k.convolve({taps.data(), weight.data(), silu ? bias.data() : nullptr, n, width, n, silu, out.data()});
        for (int c = 0; c < n; ++c) {
          double sum = silu ? double(bias[std::size_t(c)]) : 0;
          for (int j = 0; j < width; ++j)
            sum += double(rows[std::size_t(j)][std::size_t(c)]) * double(weight[std::size_t(j * n + c)]);
          EXPECT_NEAR(out[std::size_t(c)], silu ? sum / (1 + std::exp(-sum)) : sum, 1e-5)
              << n << " " << width;
        }
      }
    }
  }
}

// A text of random tokens, and its outputs by the definition.
struct Text {
  int tokens, dim;
  Floats q, key, v;
  std::vector<float> decay, beta;
  std::vector<double> want;  // (tokens, dim)
};

Text text_of(int tokens, int dim, std::mt19937& random) {
  Text t{tokens, dim, {}, {}, {}, {}, {}, {}};
  std::normal_distribution<float> d;
  std::uniform_real_distribution<float> u(0.1f, 1.0f);
  for (Floats* x : {&t.q, &t.key, &t.v}) {
    x->resize(std::size_t(tokens * dim));
    for (float& value : *x) value = d(random) / std::sqrt(float(dim));
  }
  std::vector<double> m(std::size_t(dim * dim));
  const auto n = std::size_t(dim);
  for (std::size_t i = 0; i < std::size_t(tokens); ++i) {
    t.decay.push_back(u(random));
    t.beta.push_back(u(random));
    const float *q = t.q.data() + i * n, *key = t.key.data() + i * n, *v = t.v.data() + i * n;
    for (double& x : m) x *= double(t.decay[i]);
    for (std::size_t c = 0; c < n; ++c) {
      double seen = 0, out = 0;
      for (std::size_t r = 0; r < n; ++r) seen += m[r * n + c] * double(key[r]);
      const double delta = (double(v[c]) - seen) * double(t.beta[i]);
      for (std::size_t r = 0; r < n; ++r) {
        m[r * n + c] += double(key[r]) * delta;
        out += m[r * n + c] * double(q[r]);
      }
      t.want.push_back(out * 0.5);
    }
  }
  return t;
}

// The outputs when the text comes in pieces of `piece` tokens.
std::vector<float> run(const Kernels& k, const Text& t, int piece) {
  const std::int64_t stride = (t.dim + kStateLanes - 1) / kStateLanes * kStateLanes;
  Floats state(std::size_t(t.dim * stride), 0.0f);
  std::vector<float> out(std::size_t(t.tokens * t.dim));
  for (int first = 0; first < t.tokens; first += piece) {
    std::vector<DeltaToken> tokens;
    for (int i = first; i < std::min(t.tokens, first + piece); ++i) {
      const std::ptrdiff_t at = std::ptrdiff_t{i} * t.dim;
      tokens.push_back({t.q.data() + at, t.key.data() + at, t.v.data() + at, t.decay[std::size_t(i)],
                        t.beta[std::size_t(i)], out.data() + at});
    }
    k.delta_rule({tokens.data(), int(tokens.size()), t.dim, t.dim, 0.5f, state.data(), stride});
  }
  return out;
}

TEST_P(Recurrent, DeltaRule) {
  for (const int dim : {1, 6, 16, 33, 128}) {
    const Text t = text_of(70, dim, random);
    const std::vector<float> whole = run(k, t, t.tokens);
    for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(whole[i], t.want[i], 2e-5) << dim;
    EXPECT_EQ(run(k, t, 1), whole);
    EXPECT_EQ(run(k, t, 64), whole);
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, Recurrent,
                         testing::ValuesIn(available_kernels().begin(), available_kernels().end()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace longhand
