// Norms, activations, rotation and rounding on every instruction set, against double precision.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "ops/kernel_table.h"
#include "tests/support/guarded.h"

namespace longhand {
namespace {

class Elementwise : public testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& k = *GetParam();
  std::mt19937 random{3};

  test::Guarded<float> normal(std::size_t n, float scale = 1) {
    std::normal_distribution<float> d(0, scale);
    test::Guarded<float> x(n);
    for (float& v : x) v = d(random);
    return x;
  }
};

// Whole vectors, tails, and less than one vector.
constexpr int kSizes[] = {1, 3, 7, 16, 31, 48, 257};

TEST_P(Elementwise, RmsNorm) {
  for (const int n : kSizes) {
    const auto x = normal(std::size_t(n), 3), w = normal(std::size_t(n));
    double squares = 0;
    for (const float v : x) squares += double(v) * v;
    const double scale = 1 / std::sqrt(squares / n + 1e-5);
    test::Guarded<float> out(x.size() + 1, 77), plain(x.size());
    k.rms_norm(x.data(), w.data(), 1e-5f, n, out.data());
    k.rms_norm(x.data(), nullptr, 1e-5f, n, plain.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      EXPECT_NEAR(out[i], x[i] * scale * w[i], 1e-5) << n;
      EXPECT_NEAR(plain[i], x[i] * scale, 1e-5) << n;
    }
    EXPECT_EQ(out.back(), 77) << "wrote past the end";
  }
}

TEST_P(Elementwise, LayerNorm) {
  for (const int n : kSizes) {
    const auto x = normal(std::size_t(n), 3), w = normal(std::size_t(n)), b = normal(std::size_t(n));
    double mean = 0, variance = 0;
    for (const float v : x) mean += v;
    mean /= n;
    for (const float v : x) variance += (v - mean) * (v - mean);
    const double scale = 1 / std::sqrt(variance / n + 1e-5);
    test::Guarded<float> out(x.size());
    k.layer_norm(x.data(), w.data(), b.data(), 1e-5f, n, out.data());
    for (std::size_t i = 0; i < x.size(); ++i)
      EXPECT_NEAR(out[i], (x[i] - mean) * scale * w[i] + b[i], 2e-5) << n;
  }
}

TEST_P(Elementwise, Activations) {
  const auto silu = [](double v) { return v / (1 + std::exp(-v)); };
  const auto gelu = [](double v) {
    return 0.5 * v * (1 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v)));
  };
  const auto relu = [](double v) { return v > 0 ? v : 0.0; };
  const auto gelu_erf = [](double v) { return 0.5 * v * std::erfc(-v / std::sqrt(2)); };
  const auto relu_squared = [](double v) { return v > 0 ? v * v : 0.0; };
  const std::pair<Activate, std::function<double(double)>> cases[] = {
      {Activate::silu, silu},
      {Activate::gelu, gelu},
      {Activate::gelu_erf, gelu_erf},
      {Activate::relu_squared, relu_squared},
      {Activate::relu, relu},
      {Activate::sigmoid, [](double v) { return 1 / (1 + std::exp(-v)); }},
      {Activate::softplus, [](double v) { return v > 40 ? v : std::log1p(std::exp(v)); }},
      {Activate::tanh, [](double v) { return std::tanh(v); }},
      {Activate::exp, [](double v) { return std::exp(v); }}};
  for (const auto& [act, f] : cases) {
    for (const int n : kSizes) {
      auto gate = normal(std::size_t(n), 4);
      const auto up = normal(std::size_t(n));
      gate[0] = -100;  // exp of the other sign overflows
      test::Guarded<float> out(gate.size()), alone(gate.size());
      k.activate(act, gate.data(), up.data(), n, out.data());
      k.activate(act, gate.data(), nullptr, n, alone.data());
      for (std::size_t i = 0; i < gate.size(); ++i) {
        EXPECT_NEAR(out[i], f(gate[i]) * up[i], 1e-5 * (1 + std::fabs(f(gate[i]) * up[i])));
        EXPECT_NEAR(alone[i], f(gate[i]), 1e-5 * (1 + std::fabs(f(gate[i]))));
      }
    }
  }
}

TEST_P(Elementwise, Xielu) {
  const Xielu f{0.7f, 1.3f, 0.4f, -1e-6f};
  for (const int n : kSizes) {
    auto x = normal(std::size_t(n), 3);
    x[0] = -120;
    if (n > 2) x[1] = 0, x[2] = -1e-7f;
    test::Guarded<float> out(x.size());
    k.xielu(f, x.data(), n, out.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double v = x[i];
      const double below = double(f.negative) * (std::expm1(std::min(v, double(f.least))) - v);
      const double want = (v > 0 ? double(f.positive) * v * v : below) + double(f.linear) * v;
      EXPECT_NEAR(out[i], want, 1e-6 * (1 + std::fabs(want))) << v;
    }
  }
}

TEST_P(Elementwise, AddScaleSoftcap) {
  for (const int n : kSizes) {
    const auto x = normal(std::size_t(n), 20), y = normal(std::size_t(n));
    auto sum = x, scaled = x, added = x, capped = x;
    k.add(sum.data(), y.data(), n);
    k.add_scaled(added.data(), y.data(), 0.25f, n);
    k.scale(scaled.data(), -3, n);
    k.softcap(capped.data(), 30, n);
    for (std::size_t i = 0; i < x.size(); ++i) {
      EXPECT_EQ(sum[i], x[i] + y[i]);
      EXPECT_EQ(scaled[i], x[i] * -3);
      EXPECT_NEAR(added[i], double(x[i]) + 0.25 * y[i], 1e-5);
      EXPECT_NEAR(capped[i], 30 * std::tanh(x[i] / 30.0), 1e-5);
    }
  }
}

TEST_P(Elementwise, Softmax) {
  auto x = normal(37, 5);
  const auto z = x;
  k.softmax(x.data(), int(x.size()));
  double sum = 0;
  for (const float v : z) sum += std::exp(double(v));
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], std::exp(double(z[i])) / sum, 1e-6);
}

TEST_P(Elementwise, RotateBothPairings) {
  for (const int rot : {2, 6, 32, 64, 128}) {
    const auto half = std::size_t(rot / 2);
    const auto x = normal(std::size_t(rot) + 3), cos = normal(half), sin = normal(half);
    for (const bool halves : {false, true}) {
      auto y = x;
      k.rotate({y.data(), cos.data(), sin.data(), rot, halves});
      for (std::size_t i = 0; i < half; ++i) {
        const std::size_t a = halves ? i : 2 * i, b = halves ? i + half : 2 * i + 1;
        EXPECT_NEAR(y[a], double(x[a]) * cos[i] - double(x[b]) * sin[i], 1e-5);
        EXPECT_NEAR(y[b], double(x[a]) * sin[i] + double(x[b]) * cos[i], 1e-5);
      }
      for (std::size_t i = std::size_t(rot); i < x.size(); ++i)
        EXPECT_EQ(y[i], x[i]) << "beyond the rotated dimensions";
    }
  }
}

struct Rounded {
  test::Guarded<std::int8_t> q;
  test::Guarded<float> scale;
  test::Guarded<std::int32_t> sums;
  test::Guarded<std::int16_t> sums32;

  Rounded(const Kernels& k, const test::Guarded<float>& x, int block)
      : q(x.size()), scale(x.size() / std::size_t(block)), sums(x.size() / 16), sums32(x.size() / 32) {
    k.quantize(x.data(), int(x.size()), block, {q.data(), scale.data(), sums.data(), sums32.data()});
  }
  bool operator==(const Rounded&) const = default;
};

TEST_P(Elementwise, RoundingToInt8) {
  for (const int block : {32, 256}) {
    auto x = normal(3 * std::size_t(block), 2);
    for (int i = 0; i < block; ++i) x[std::size_t(block + i)] = 0;  // an all-zero block
    const Rounded r(k, x, block);
    EXPECT_EQ(r.scale[1], 0);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double step = r.scale[i / std::size_t(block)];
      EXPECT_LE(std::abs(r.q[i]), 127);
      EXPECT_NEAR(r.q[i] * step, x[i], step * 0.5001);
    }
    for (std::size_t i = 0; i < r.sums.size(); ++i) {
      int low = 0, high = 0;
      for (std::size_t j = 16 * i; j < 16 * i + 16; j += 4) {
        low += r.q[j] + r.q[j + 1];
        high += r.q[j + 2] + r.q[j + 3];
      }
      EXPECT_EQ(std::int16_t(r.sums[i] & 0xFFFF), low);
      EXPECT_EQ(r.sums[i] >> 16, high);
    }
    for (std::size_t i = 0; i < r.sums32.size(); ++i)
      EXPECT_EQ(r.sums32[i], std::accumulate(&r.q[32 * i], &r.q[32 * i] + 32, 0));
  }
}

// Every instruction set rounds alike: integer sums downstream are then the same on all of them.
TEST_P(Elementwise, RoundingIsTheSameEverywhere) {
  const auto x = normal(512, 2);
  for (const int block : {32, 256})
    EXPECT_EQ(Rounded(k, x, block), Rounded(*available_kernels().back(), x, block));
}

TEST_P(Elementwise, BrokenNumbersStayVisible) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    auto x = normal(64);
    x[40] = bad;
    const Rounded r(k, x, 32);
    EXPECT_TRUE(std::isfinite(r.scale[0]));
    EXPECT_TRUE(std::isnan(r.scale[1]));
  }
}

std::string kernels_name(const testing::TestParamInfo<const Kernels*>& info) { return info.param->name; }

INSTANTIATE_TEST_SUITE_P(Kernels, Elementwise,
                         testing::ValuesIn(available_kernels().begin(), available_kernels().end()),
                         kernels_name);

}  // namespace
}  // namespace longhand
