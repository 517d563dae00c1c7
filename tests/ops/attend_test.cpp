// Attention kernels of every instruction set and cache type, against the definition in double precision.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "ops/half.h"
#include "tests/ops/attend_cases.h"

namespace longhand {
namespace {

using test::AttendCase;
using test::rounded;
using test::unpacked;

// A cache of one head with random contents, and the same contents as plain numbers: what was written, or in
// packed formats what is left of it.
struct Head {
  test::Guarded<std::byte> keys, values;
  std::vector<std::vector<double>> key, value;
  KvView view;

  Head(const Kernels& k, CacheFormat format, int tokens, int key_dim, int value_dim, std::mt19937& random) {
    const int group = kCacheGroupBytes[int(format)];
    const int blocks = (tokens + kKeyBlock - 1) / kKeyBlock;
    view.key_dim = key_dim;
    view.value_dim = value_dim;
    view.key_block_bytes = key_dim * kKeyBlock * group / kQ8Group;
    view.value_row_bytes = value_dim * group / kQ8Group;
    keys.resize(std::size_t(blocks * view.key_block_bytes));
    values.resize(std::size_t(blocks * kKeyBlock * view.value_row_bytes));
    view.keys = keys.data();
    view.values = values.data();
    std::normal_distribution<float> normal;
    for (int t = 0; t < tokens; ++t) {
      test::Guarded<float> a(std::size_t(key_dim), 0.0f), b(std::size_t(value_dim), 0.0f);
      for (float& x : a) x = normal(random);
      for (float& x : b) x = normal(random);
      k.store_key[int(format)](view, t, a.data());
      k.store_value[int(format)](view, t, b.data());
      if (is_packed(format)) {
        const auto kept_key = rounded(k, format, a), kept_value = rounded(k, format, b);
        key.emplace_back(kept_key.begin(), kept_key.end());
        value.emplace_back(kept_value.begin(), kept_value.end());
        continue;
      }
      key.emplace_back(a.begin(), a.end());
      value.emplace_back(b.begin(), b.end());
    }
  }
};

class Attend : public testing::TestWithParam<AttendCase> {
 protected:
  const Kernels& k = *GetParam().kernels;
  CacheFormat format = GetParam().format;
  double tolerance = test::attend_tolerance(format);
  std::mt19937 random{5};
};

struct Shape {
  int key_dim, value_dim, rows, begin, end;
  float softcap;
  float slope = 0;
};

TEST_P(Attend, EqualsTheDefinition) {
  for (const Shape& s :
       {Shape{64, 64, 1, 0, 1, 0}, Shape{64, 64, 4, 0, 100, 0}, Shape{128, 96, 7, 16, 300, 0},
        Shape{32, 32, 16, 512, 700, 0}, Shape{64, 48, kAttendRows, 0, 130, 0}, Shape{96, 32, 3, 0, 45, 5},
        Shape{22, 26, 5, 0, 70, 0}, Shape{32, 64, 7, 16, 500, 0, 0.05f}, Shape{64, 32, 5, 0, 45, 5, 1.5f},
        Shape{288, 512, 2, 32, 100, 0}, Shape{96, 224, 3, 496, kAttendKeys, 0}}) {
    if (is_grouped(format) && (s.key_dim % kQ8Group != 0 || s.value_dim % kQ8Group != 0)) continue;
    if (is_packed(format) && s.end > kAttendKeys) continue;
    const Head head(k, format, s.end + 5, s.key_dim, s.value_dim, random);
    std::vector<test::Guarded<float>> q(std::size_t(s.rows), test::Guarded<float>(std::size_t(s.key_dim)));
    std::vector<const float*> q_rows;
    std::vector<std::int32_t> from, to, own;
    std::vector<float> slope;
    std::normal_distribution<float> normal;
    for (int r = 0; r < s.rows; ++r) {
      // Some rows stand amid their keys, some before or behind all of them.
      own.push_back(s.begin - 20 + r * (s.end - s.begin + 40) / s.rows);
      slope.push_back(s.slope / float(r + 1));
      for (float& x : q[std::size_t(r)]) x = normal(random) / std::sqrt(float(s.key_dim));
      q_rows.push_back(q[std::size_t(r)].data());
      from.push_back(s.begin + r % 3);
      to.push_back(s.end - (s.rows - 1 - r) % 5);
    }
    test::Guarded<float> scores(std::size_t(kAttendRows * kAttendKeys)), m(kAttendRows), l(kAttendRows),
        acc(std::size_t(kAttendRows * s.value_dim));
    AttendArgs a{head.view, s.begin,   s.end,         s.rows,   q_rows.data(), from.data(),
                 to.data(), s.softcap, scores.data(), m.data(), l.data(),      acc.data()};
    auto scratch = unpacked(std::max(s.key_dim, s.value_dim));
    a.unpacked = scratch.data();
    if (s.slope != 0) a.slope = slope.data(), a.own = own.data();
    k.attend_keys[int(format)](a);
    k.attend_values[int(format)](a);
    for (int r = 0; r < s.rows; ++r) {
      const auto row = std::size_t(r);
      std::vector<double> want(std::size_t(s.value_dim));
      double sum = 0;
      for (int t = std::max(from[row], s.begin); t < to[row]; ++t) {
        double score = 0;
        for (int d = 0; d < s.key_dim; ++d)
          score += q[row][std::size_t(d)] * head.key[std::size_t(t)][std::size_t(d)];
        if (s.softcap > 0) score = s.softcap * std::tanh(score / s.softcap);
        score -= double(slope[row]) * std::abs(t - own[row]);
        sum += std::exp(score);
        for (std::size_t d = 0; d < want.size(); ++d)
          want[d] += std::exp(score) * head.value[std::size_t(t)][d];
      }
      for (std::size_t d = 0; d < want.size(); ++d) {
        ASSERT_NEAR(acc[row * want.size() + d] / l[row], want[d] / sum, tolerance)
            << "row " << r << " of " << s.rows << ", dimension " << d;
      }
      EXPECT_NEAR(m[row] + std::log(l[row]), std::log(sum), tolerance);
    }
  }
}

// Keys of one dimension, whose scores are 0 and below: the weights are their exponentials.
TEST_P(Attend, WeightsAreExponentials) {
  if (format != CacheFormat::f32) GTEST_SKIP() << "scores of other caches are rounded";
  constexpr int keys = kAttendKeys;
  const auto score = [](int t) { return -0.2493f * float(t); };
  test::Guarded<float> cached(keys), scores(std::size_t(kAttendRows * kAttendKeys)), m(1), l(1), acc(1);
  for (int t = 0; t < keys; ++t) cached[std::size_t(t)] = score(t);
  KvView view;
  view.keys = reinterpret_cast<std::byte*>(cached.data());
  view.key_dim = view.value_dim = 1;
  view.key_block_bytes = kKeyBlock * sizeof(float);
  view.value_row_bytes = sizeof(float);
  const float one = 1;
  const float* q = &one;
  const std::int32_t from = 0, to = keys - 3;
  AttendArgs a{view, 0, keys, 1, &q, &from, &to, 0, scores.data(), m.data(), l.data(), acc.data()};
  k.attend_keys[int(format)](a);
  EXPECT_EQ(scores[0], 1.0f);
  for (int t = 0; t < keys; ++t) {
    const double want = std::exp(double(score(t)));
    const float got = scores[std::size_t(t)];
    if (t >= to || score(t) < -87.4f) {
      EXPECT_EQ(got, 0.0f) << t;
    } else if (score(t) > -87.3f) {
      EXPECT_NEAR(got, want, want * 2 * std::numeric_limits<float>::epsilon()) << t;
    }
  }
}

// A row's bits do not depend on the rows beside it: results cannot depend on how a prompt is cut into
// batches.
TEST_P(Attend, ARowDoesNotDependOnItsTile) {
  constexpr int dim = 64, rows = 23, end = 200;
  const Head head(k, format, end, dim, dim, random);
  std::vector<std::vector<float>> q(rows, std::vector<float>(dim));
  std::normal_distribution<float> normal;
  std::vector<const float*> q_rows;
  std::vector<std::int32_t> from(rows, 3), to;
  for (int r = 0; r < rows; ++r) {
    for (float& x : q[std::size_t(r)]) x = normal(random);
    q_rows.push_back(q[std::size_t(r)].data());
    to.push_back(end - rows + 1 + r);
  }
  const auto run = [&](int row, int count, int last) {
    test::Guarded<float> scores(std::size_t(kAttendRows * kAttendKeys)), m(kAttendRows), l(kAttendRows),
        acc(std::size_t(kAttendRows * dim));
    AttendArgs a{head.view,
                 0,
                 last,
                 count,
                 q_rows.data() + row,
                 from.data() + row,
                 to.data() + row,
                 0,
                 scores.data(),
                 m.data(),
                 l.data(),
                 acc.data()};
    auto scratch = unpacked(dim);
    a.unpacked = scratch.data();
    k.attend_keys[int(format)](a);
    k.attend_values[int(format)](a);
    acc.resize(std::size_t(count * dim));
    acc.insert(acc.end(), l.begin(), l.begin() + count);
    return acc;
  };
  for (const int together : {rows, 11, 5, 4, 3, 2}) {
    const auto all = run(0, together, to[std::size_t(together - 1)]);
    for (int r = 0; r < together; ++r) {
      const auto one = run(r, 1, to[std::size_t(r)]);
      for (int d = 0; d < dim; ++d)
        ASSERT_EQ(one[std::size_t(d)], all[std::size_t(r * dim + d)]) << "row " << r << " of " << together;
      ASSERT_EQ(one.back(), all[std::size_t(together * dim + r)]);
    }
  }
}

TEST_P(Attend, PartialsJoinToTheWhole) {
  constexpr int dim = 32, end = 300;
  const Head head(k, format, end, dim, dim, random);
  std::vector<float> q(dim, 0.1f), scores(std::size_t(kAttendRows * kAttendKeys));
  const float* rows[] = {q.data()};
  const std::int32_t from[] = {0}, to[] = {end};
  const auto part = [&](int begin, int stop, float& m, float& l) {
    std::vector<float> acc(dim);
    AttendArgs a{head.view, begin, stop, 1, rows, from, to, 0, scores.data(), &m, &l, acc.data()};
    auto scratch = unpacked(dim);
    a.unpacked = scratch.data();
    k.attend_keys[int(format)](a);
    k.attend_values[int(format)](a);
    return acc;
  };
  float m, l, m1, l1, m2, l2;
  const auto whole = part(0, end, m, l);
  auto joined = part(0, 128, m1, l1);
  const auto rest = part(128, end, m2, l2);
  k.merge_partials(&m1, &l1, joined.data(), m2, l2, rest.data(), dim);
  for (int d = 0; d < dim; ++d) EXPECT_NEAR(joined[std::size_t(d)] / l1, whole[std::size_t(d)] / l, 1e-5);
}

TEST_P(Attend, ScoresFarBelowZeroAreJoinedToNothing) {
  std::vector<float> joined(4), values = {1, 2, 3, 4};
  float m = 0, l = 0;
  k.merge_partials(&m, &l, joined.data(), -200.0f, 3.0f, values.data(), 4);
  EXPECT_EQ(joined, values);
  EXPECT_EQ(m, -200.0f);
  EXPECT_EQ(l, 3.0f);
}

std::uint32_t bits_of(float x) { return std::bit_cast<std::uint32_t>(x); }

// One number as it is read back from a cache: from a key, from a value.
std::pair<float, float> stored(const Kernels& k, CacheFormat format, float x) {
  constexpr int kDim = 32, kLane = 3;
  const int bytes = kCacheGroupBytes[int(format)] / kQ8Group;
  std::vector<std::byte> key(std::size_t(kDim * kKeyBlock * bytes)), row(std::size_t(4 * kDim * bytes));
  const KvView view{key.data(), row.data(), kDim * kKeyBlock * bytes, kDim * bytes, kDim, kDim};
  const std::vector<float> values(kDim, x);
  k.store_key[int(format)](view, kLane, values.data());
  k.store_value[int(format)](view, kLane, values.data());
  const auto read = [&](const std::byte* p) {
    if (bytes == 4) {
      float out;
      std::memcpy(&out, p, sizeof out);
      return out;
    }
    std::uint16_t h;
    std::memcpy(&h, p, sizeof h);
    return format == CacheFormat::f16 ? f16_to_f32(h) : bf16_to_f32(h);
  };
  return {read(key.data() + (7 * kKeyBlock + kLane) * bytes), read(row.data() + (kLane * kDim + 7) * bytes)};
}

// f32 keeps every bit; f16 and bf16 round to the nearest there is, to the even one of two.
TEST_P(Attend, StoresTheNearestThereIs) {
  if (is_grouped(format)) return;  // which round by the largest of a group
  constexpr int kDropped[] = {0, 13, 0, 16};
  const int dropped = kDropped[int(format)];
  constexpr float kMost[] = {0x1.FFFFFEp127f, 65504.0f, 0, 0x1.FEp127f};
  const std::uint32_t unit = 1u << dropped, one = bits_of(1.0f);
  std::vector<std::pair<float, float>> cases = {{0.0f, 0.0f}, {1.0f, 1.0f}, {-0.375f, -0.375f}};
  const auto add = [&](std::uint32_t from, std::uint32_t to) {
    cases.emplace_back(std::bit_cast<float>(from), std::bit_cast<float>(to));
    cases.emplace_back(-std::bit_cast<float>(from), -std::bit_cast<float>(to));
  };
  for (const std::uint32_t odd : {0u, 1u}) {
    const std::uint32_t low = one + odd * unit;
    if (dropped == 0) continue;
    add(low + unit / 2 - 1, low);
    add(low + unit / 2, low + odd * unit);
    add(low + unit / 2 + 1, low + unit);
  }
  // What would round to more than there is stays finite.
  add(bits_of(std::numeric_limits<float>::max()), bits_of(kMost[int(format)]));
  for (const auto& [x, want] : cases) {
    const auto [key, value] = stored(k, format, x);
    EXPECT_EQ(bits_of(key), bits_of(want)) << x;
    EXPECT_EQ(bits_of(value), bits_of(want)) << x;
  }
  // Whichever of its bits are set.
  for (const std::uint32_t nan : {0x7F800001u, 0x7FC00000u, 0xFFFFFFFFu, 0xFF800100u}) {
    const auto [key, value] = stored(k, format, std::bit_cast<float>(nan));
    EXPECT_TRUE(std::isnan(key) && std::isnan(value)) << nan;
  }
}

// A group's largest error, of its largest magnitude, of the numbers a uniform distribution gives.
TEST_P(Attend, PackedFormatsRoundAsFinelyAsTheirBitsAllow) {
  if (!is_packed(format)) return;
  constexpr double kSteps[] = {1.0 / 15, 1.0 / 15, 1.0 / 31, 1.0 / 31, 1.0 / 10};
  const double step = kSteps[int(format) - int(CacheFormat::q4_0)];
  std::uniform_real_distribution<float> uniform(-1, 1);
  double error = 0, power = 0;
  for (int round = 0; round < 100; ++round) {
    test::Guarded<float> x(128);
    for (float& v : x) v = uniform(random);
    const auto kept = rounded(k, format, x);
    for (std::size_t d = 0; d < x.size(); ++d) {
      error += double(x[d] - kept[d]) * double(x[d] - kept[d]);
      power += double(x[d]) * double(x[d]);
    }
  }
  // Transformed they are normal: the largest of 32 is 2.1 times their root mean square, and rounding errors
  // of steps of twice that by the number of levels are uniform.
  EXPECT_LT(std::sqrt(error / power), 2.5 * 2 * step / std::sqrt(12.0));
}

// A vector with one dimension that stands out costs the others no more than that dimension's share.
TEST_P(Attend, OneLargeDimensionDoesNotDrownTheOthers) {
  if (!is_packed(format)) return;
  test::Guarded<float> x(128);
  std::normal_distribution<float> normal;
  for (float& v : x) v = normal(random);
  x[5] = 40;
  const auto kept = rounded(k, format, x);
  double error = 0;
  for (std::size_t d = 0; d < x.size(); ++d) {
    if (d != 5) error += double(x[d] - kept[d]) * double(x[d] - kept[d]);
  }
  // Rounded as it is, its group would become zeros but for it: an error of 1 in a quarter of the dimensions.
  EXPECT_LT(std::sqrt(error / 127), 0.45);
}

TEST_P(Attend, BrokenValuesStayVisible) {
  if (!is_packed(format)) return;
  for (const float broken :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    test::Guarded<float> x(64, 1.0f);
    x[7] = broken;
    EXPECT_TRUE(std::isnan(rounded(k, format, x)[20]));
  }
  const test::Guarded<float> zeros(64, 0.0f);
  for (const float v : rounded(k, format, zeros)) EXPECT_EQ(v, 0.0f);
}

INSTANTIATE_TEST_SUITE_P(Kernels, Attend, testing::ValuesIn(test::attend_cases()), test::attend_case_name);

}  // namespace
}  // namespace longhand
