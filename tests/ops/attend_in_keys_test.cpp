// Values that are part of their keys, of every instruction set and cache type, against the definition in
// double precision.
#include <algorithm>
#include <cmath>
#include <random>

#include "tests/ops/attend_cases.h"

namespace longhand {
namespace {

using test::Guarded;

struct Widths {
  int key, from, value;  // `from`: the dimension of a key its value begins at
};

class AttendInKeys : public testing::TestWithParam<test::AttendCase> {
 protected:
  bool takes(const Widths& w) const { return !is_grouped(format) || w.key % kQ8Group == 0; }

  const Kernels& k = *GetParam().kernels;
  CacheFormat format = GetParam().format;
  std::mt19937 random{11};
};

// Keys in chunks as a session has them. Where nothing was stored yet every bit is set, which is no number.
struct Chunks {
  Widths w;
  std::int64_t block_bytes, chunk_bytes;
  Guarded<std::byte> bytes;
  std::vector<std::vector<double>> key;  // what is left of them

  Chunks(const Kernels& k, CacheFormat format, const Widths& widths, int tokens, std::mt19937& random)
      : w(widths),
        block_bytes(std::int64_t{w.key} * kKeyBlock * kCacheGroupBytes[int(format)] / kQ8Group),
        chunk_bytes(kAttendKeys / kKeyBlock * block_bytes),
        bytes(std::size_t((tokens + kAttendKeys - 1) / kAttendKeys * chunk_bytes), std::byte{0xFF}) {
    std::normal_distribution<float> normal;
    for (int t = 0; t < tokens; ++t) {
      Guarded<float> x(std::size_t(w.key), 0.0f);
      for (float& v : x) v = normal(random);
      k.store_key[int(format)](view(t / kAttendKeys), t % kAttendKeys, x.data());
      const auto kept = is_packed(format) ? test::rounded(k, format, x) : std::vector<float>();
      key.emplace_back(x.begin(), x.end());
      if (is_packed(format)) key.back().assign(kept.begin(), kept.end());
    }
  }
  KvView view(int chunk) {
    return {bytes.data() + chunk * chunk_bytes, nullptr, block_bytes, 0, w.key, w.value, w.from};
  }
  int tokens() const { return int(key.size()); }
};

// Rows of queries, of which row r sees the keys [from, to).
struct Rows {
  std::vector<std::vector<float>> q;
  std::vector<std::int32_t> from, to;

  Rows(const Chunks& chunks, int rows, std::mt19937& random) {
    std::normal_distribution<float> normal;
    for (int r = 0; r < rows; ++r) {
      q.emplace_back(std::size_t(chunks.w.key));
      for (float& x : q.back()) x = 2 * normal(random) / std::sqrt(float(chunks.w.key));
      from.push_back(std::min(r % 3, chunks.tokens() - 1));
      to.push_back(std::max(from.back() + 1, chunks.tokens() - (rows - 1 - r) % 21));
    }
  }
};

// (rows, value and then l): acc over all chunks, joined.
std::vector<std::vector<float>> attend(const Kernels& k, CacheFormat format, Chunks& chunks, const Rows& rows,
                                       int first, int count) {
  const int n = chunks.w.value;
  std::vector<std::vector<float>> joined(std::size_t(count), std::vector<float>(std::size_t(n) + 1));
  std::vector<float> most(std::size_t(count), 0.0f);
  Guarded<float> scores(std::size_t(kAttendRows * kAttendKeys)), m(kAttendRows), l(kAttendRows),
      acc(std::size_t(count * n));
  auto room = test::unpacked(chunks.w.key);
  for (int start = 0; start < chunks.tokens(); start += kAttendKeys) {
    std::vector<const float*> q;
    std::vector<std::int32_t> from, to;
    int end = 0;
    for (int r = 0; r < count; ++r) {
      const auto row = std::size_t(first + r);
      q.push_back(rows.q[row].data());
      from.push_back(std::clamp(rows.from[row] - start, 0, kAttendKeys));
      to.push_back(std::clamp(rows.to[row] - start, 0, kAttendKeys));
      end = std::max(end, to.back());
    }
    if (end == 0) break;
    AttendArgs a{chunks.view(start / kAttendKeys),
                 0,
                 end,
                 count,
                 q.data(),
                 from.data(),
                 to.data(),
                 0,
                 scores.data(),
                 m.data(),
                 l.data(),
                 acc.data()};
    a.unpacked = room.data();
    k.attend_keys[int(format)](a);
    k.attend_values[int(format)](a);
    for (int r = 0; r < count; ++r) {
      float* to_row = joined[std::size_t(r)].data();
      k.merge_partials(&most[std::size_t(r)], to_row + n, to_row, m[std::size_t(r)], l[std::size_t(r)],
                       acc.data() + std::ptrdiff_t{r} * n, n);
    }
  }
  return joined;
}

std::vector<double> definition(const Chunks& chunks, const Rows& rows, std::size_t row) {
  std::vector<double> want(std::size_t(chunks.w.value));
  double sum = 0;
  for (int t = rows.from[row]; t < rows.to[row]; ++t) {
    const auto& key = chunks.key[std::size_t(t)];
    double score = 0;
    for (std::size_t d = 0; d < key.size(); ++d) score += double(rows.q[row][d]) * key[d];
    sum += std::exp(score);
    for (std::size_t d = 0; d < want.size(); ++d)
      want[d] += std::exp(score) * key[std::size_t(chunks.w.from) + d];
  }
  for (double& x : want) x /= sum;
  return want;
}

TEST_P(AttendInKeys, EqualsTheDefinition) {
  for (const Widths& w : {Widths{64, 0, 64}, Widths{512, 0, 512}, Widths{576, 64, 512}, Widths{96, 16, 80},
                          Widths{53, 14, 39}}) {
    if (!takes(w)) continue;
    for (const int tokens : {1, 15, 16, 17, 1000}) {
      if (tokens > 17 && w.key > 96 && is_packed(format)) continue;
      Chunks chunks(k, format, w, tokens, random);
      for (const int rows : {1, 7, kAttendRows}) {
        if (tokens > 17 && rows == 7) continue;
        const Rows asked(chunks, rows, random);
        const auto got = attend(k, format, chunks, asked, 0, rows);
        for (int r = 0; r<rows; r += rows> 7 ? 5 : 1) {
          const auto row = std::size_t(r);
          const auto want = definition(chunks, asked, row);
          for (std::size_t d = 0; d < want.size(); ++d) {
            ASSERT_NEAR(got[row][d] / got[row].back(), want[d], test::attend_tolerance(format))
                << w.key << ", " << tokens << " tokens, row " << r << " of " << rows << ", dimension " << d;
          }
        }
      }
    }
  }
}

// As in Attend.ARowDoesNotDependOnItsTile.
TEST_P(AttendInKeys, ARowDoesNotDependOnItsTile) {
  Chunks chunks(k, format, {96, 32, 64}, 200, random);
  const Rows rows(chunks, 23, random);
  for (const int together : {23, 11, 5, 4, 3, 2}) {
    const auto all = attend(k, format, chunks, rows, 0, together);
    for (int r = 0; r < together; ++r) {
      ASSERT_EQ(attend(k, format, chunks, rows, r, 1)[0], all[std::size_t(r)])
          << "row " << r << " of " << together;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, AttendInKeys, testing::ValuesIn(test::attend_cases()),
                         test::attend_case_name);

}  // namespace
}  // namespace longhand
