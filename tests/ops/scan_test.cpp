// Recurrences whose states decay channel by channel, on every instruction set: against double precision, and
// that tokens may come in any pieces.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "ops/kernel_table.h"
#include "tests/support/guarded.h"

namespace longhand {
namespace {

using Floats = test::Guarded<float>;

Floats drawn(std::int64_t n, float low, float high, std::mt19937& random) {
  std::uniform_real_distribution<float> d(low, high);
  Floats x(std::size_t(n), 0.0f);
  for (float& v : x) v = d(random);
  return x;
}

std::int64_t whole_vectors(int n) { return (n + kStateLanes - 1) / kStateLanes * kStateLanes; }

class Scan : public testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& k = *GetParam();
  std::mt19937 random{7};
};

// A form of the rule, and the tokens of a head.
struct Dplr {
  int tokens, keys, values;
  bool one_decay, erases, asks_before;
  Floats query, key, value, decay, read, erase, weight;

  Dplr(int tokens_, int keys_, int values_, int form, std::mt19937& random)
      : tokens(tokens_),
        keys(keys_),
        values(values_),
        one_decay((form & 1) != 0),
        erases((form & 2) != 0),
        asks_before((form & 4) != 0),
        query(drawn(tokens * keys, -1, 1, random)),
        key(drawn(tokens * keys, -1, 1, random)),
        value(drawn(tokens * values, -1, 1, random)),
        decay(drawn(one_decay ? tokens : tokens * keys, 0.2f, 1, random)),
        read(drawn(tokens * keys, -0.1f, 0.1f, random)),
        erase(drawn(tokens * keys, -1, 1, random)),
        weight(drawn(tokens, 0, 1, random)) {}

  std::vector<double> want() const {
    std::vector<double> m(std::size_t(keys * values)), out;
    for (int t = 0; t < tokens; ++t) {
      for (int c = 0; c < values; ++c) {
        double seen = 0, asked = 0;
        const auto at = [&](const Floats& x, int r) { return double(x[std::size_t(t * keys + r)]); };
        for (int r = 0; r < keys; ++r) seen += at(read, r) * m[std::size_t(r * values + c)];
        for (int r = 0; r < keys; ++r) {
          double& state = m[std::size_t(r * values + c)];
          const double old = state;
          state = old * (one_decay ? double(decay[std::size_t(t)]) : at(decay, r)) +
                  at(key, r) * double(value[std::size_t(t * values + c)]) * double(weight[std::size_t(t)]) +
                  (erases ? at(erase, r) * seen : 0);
          asked += at(query, r) * (asks_before ? old : state);
        }
        out.push_back(0.5 * asked);
      }
    }
    return out;
  }

  // The outputs when the text comes in pieces of `piece` tokens.
  std::vector<float> run(const Kernels& k, int piece) const {
    Floats state(std::size_t(keys * whole_vectors(values)), 0.0f);
    std::vector<float> out(std::size_t(tokens * values));
    for (int first = 0; first < tokens; first += piece) {
      std::vector<DplrToken> some;
      for (int t = first; t < std::min(tokens, first + piece); ++t) {
        const std::ptrdiff_t at = std::ptrdiff_t{t} * keys, to = std::ptrdiff_t{t} * values;
        some.push_back({query.data() + at, key.data() + at, value.data() + to,
                        decay.data() + (one_decay ? t : at), erases ? read.data() + at : nullptr,
                        erases ? erase.data() + at : nullptr, weight[std::size_t(t)], out.data() + to});
      }
      k.dplr_rule({some.data(), int(some.size()), keys, values, one_decay ? 0 : 1, erases, asks_before, 0.5f,
                   state.data(), whole_vectors(values)});
    }
    return out;
  }
};

TEST_P(Scan, DiagonalPlusLowRank) {
  for (int form = 0; form < 8; ++form) {
    for (const auto& [keys, values] : {std::pair{1, 1}, {6, 16}, {12, 20}, {33, 7}, {64, 64}, {128, 3}}) {
      const Dplr text(70, keys, values, form, random);
      const std::vector<double> want = text.want();
      const std::vector<float> whole = text.run(k, text.tokens);
      for (std::size_t i = 0; i < whole.size(); ++i)
        ASSERT_NEAR(whole[i], want[i], 1e-5 * (1 + std::abs(want[i])) * std::sqrt(double(keys)))
            << "form " << form << ", " << keys << " x " << values;
      EXPECT_EQ(text.run(k, 1), whole);
      EXPECT_EQ(text.run(k, 64), whole);
    }
  }
}

// Channels of a text under Mamba's rule.
struct Channels {
  int tokens, n, size;
  Floats x, dt, b, c, a, d;

  Channels(int tokens_, int n_, int size_, std::mt19937& random)
      : tokens(tokens_),
        n(n_),
        size(size_),
        x(drawn(tokens * n, -1, 1, random)),
        dt(drawn(tokens * n, 0, 1, random)),
        b(drawn(tokens * size, -1, 1, random)),
        c(drawn(tokens * size, -1, 1, random)),
        a(drawn(size * n, -2, 0, random)),
        d(drawn(n, -1, 1, random)) {}

  std::vector<double> want() const {
    std::vector<double> m(std::size_t(size * n)), out;
    for (int t = 0; t < tokens; ++t) {
      for (int i = 0; i < n; ++i) {
        const double in = double(x[std::size_t(t * n + i)]), step = double(dt[std::size_t(t * n + i)]);
        double sum = double(d[std::size_t(i)]) * in;
        for (int s = 0; s < size; ++s) {
          double& state = m[std::size_t(s * n + i)];
          state = state * std::exp(step * double(a[std::size_t(s * n + i)])) +
                  step * in * double(b[std::size_t(t * size + s)]);
          sum += state * double(c[std::size_t(t * size + s)]);
        }
        out.push_back(sum);
      }
    }
    return out;
  }

  // In pieces of `piece` tokens and `width` channels.
  std::vector<float> run(const Kernels& k, int piece, int width) const {
    const std::int64_t stride = whole_vectors(n);
    Floats state(std::size_t(size * stride), 0.0f);
    std::vector<float> out(std::size_t(tokens * n));
    for (int first = 0; first < tokens; first += piece) {
      for (int from = 0; from < n; from += width) {
        std::vector<ScanToken> some;
        for (int t = first; t < std::min(tokens, first + piece); ++t) {
          const std::ptrdiff_t at = std::ptrdiff_t{t} * n + from, part = std::ptrdiff_t{t} * size;
          some.push_back({x.data() + at, dt.data() + at, b.data() + part, c.data() + part, out.data() + at});
        }
        k.selective_scan({some.data(), int(some.size()), std::min(width, n - from), size, a.data() + from, n,
                          d.data() + from, state.data() + from, stride});
      }
    }
    return out;
  }
};

TEST_P(Scan, Selective) {
  for (const auto& [n, size] : {std::pair{1, 1}, {7, 16}, {45, 8}, {96, 3}}) {
    const Channels text(70, n, size, random);
    const std::vector<double> want = text.want();
    const std::vector<float> whole = text.run(k, text.tokens, n);
    for (std::size_t i = 0; i < whole.size(); ++i)
      ASSERT_NEAR(whole[i], want[i], 1e-5 * (1 + std::abs(want[i]))) << n << " x " << size;
    EXPECT_EQ(text.run(k, 1, n), whole);
    EXPECT_EQ(text.run(k, 64, 16), whole);
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, Scan, testing::ValuesIn(available_kernels().begin(), available_kernels().end()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace longhand
