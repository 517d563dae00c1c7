// Values that are part of their keys, weighed with what the scores have become. A vector holds one dimension
// of neighbouring tokens: what the lanes add up is added together once all keys have been seen. Each query
// row adds in an order that depends only on the key positions, as in attend_keys.inl.
#pragma once

#include "ops/isa/attend/cache.inl"
#include "ops/isa/attend/row_tiles.inl"
#include "ops/kernels.h"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// The keys [from, to).
struct KeyRange {
  int from, to;
};

// Keys some of the rows see. A row's weights are 0 outside its own range, and adding 0 changes nothing.
inline KeyRange seen_by(const AttendArgs& a, int row, int rows) {
  KeyRange seen{a.end, a.begin};
  for (int n = row; n < row + rows; ++n) {
    seen.from = a.from[n] < seen.from ? a.from[n] : seen.from;
    seen.to = a.to[n] > seen.to ? a.to[n] : seen.to;
  }
  return {seen.from < a.begin ? a.begin : seen.from, seen.to > a.end ? a.end : seen.to};
}

// x of the tokens from t on that are in the range, else 0: what nobody has written yet may be infinite, and 0
// times that is not 0.
inline F only(KeyRange keys, int t, F x) {
  float steps[kLanes];
  for (int i = 0; i < kLanes; ++i) steps[i] = float(i);
  const F at = F(float(t)) + load(steps);
  return xsimd::select(at >= F(float(keys.from)) && at < F(float(keys.to)), x, F(0.0f));
}

// Dimensions of N rows that are added up at once, in as many sums as there are registers for.
template <int N>
constexpr int kDimsAtOnce = N * 8 <= kTileSums   ? 8
                            : N * 4 <= kTileSums ? 4
                            : N * 2 <= kTileSums ? 2
                                                 : 1;

// acc[n][d .. d + D) = weights (N, kAttendKeys) times values, for N rows; d is a dimension of the key.
template <class C, int N, int D>
[[gnu::flatten, gnu::noinline]] void weigh_in_keys(const AttendArgs& a, int row, int d, KeyRange keys,
                                                   const float* weights) {
  F sum[N][D];
  repeat<N * D>([&](auto i) { sum[i / D][i % D] = F(0.0f); });
  const auto add = [&](int t, auto whole) {
    const std::byte* block = a.kv.keys + t / kKeyBlock * a.kv.key_block_bytes;
    repeat<kKeyVectors>([&](auto v) {
      F x[D];
      repeat<D>([&](auto i) {
        x[i] = C::key(block, d + i, v);
        if constexpr (!whole) x[i] = only(keys, t + v * kLanes, x[i]);
      });
      repeat<N>([&](auto n) {
        const F weight = load(weights + n * kAttendKeys + (t - a.begin) + v * kLanes);
        repeat<D>([&](auto i) { sum[n][i] = multiply_add(weight, x[i], sum[n][i]); });
      });
    });
  };
  for (int t = keys.from / kKeyBlock * kKeyBlock; t < keys.to; t += kKeyBlock) {
    if (t >= keys.from && t + kKeyBlock <= keys.to) {
      add(t, std::true_type());
    } else {
      add(t, std::false_type());
    }
  }
  float* to = a.acc + row * a.kv.value_dim + (d - a.kv.value_in_key);
  repeat<N * D>([&](auto i) { to[i / D * a.kv.value_dim + i % D] = xsimd::hadd(sum[i / D][i % D]); });
}

// Weights times the scales of the keys' groups at dimension d, of q8_0.
template <int N>
void scale_by_keys(const AttendArgs& a, int row, int d, KeyRange keys, float (&scaled)[N * kAttendKeys]) {
  const float* weights = a.scores + row * kAttendKeys;
  for (int t = keys.from / kKeyBlock * kKeyBlock; t < keys.to; t += kKeyBlock) {
    const std::byte* scales = a.kv.keys + t / kKeyBlock * a.kv.key_block_bytes + d / kQ8Group * kQ8KeyBytes;
    repeat<kKeyVectors>([&](auto v) {
      const F scale = only(keys, t + v * kLanes, load_f16(scales + kQ8ScaleBytes * kLanes * v));
      for (int n = 0; n < N; ++n) {
        const int at = n * kAttendKeys + (t - a.begin) + v * kLanes;
        (load(weights + at) * scale).store_unaligned(scaled + at);
      }
    });
  }
}

// Dimensions [d, end) of the keys, which are of one group.
template <class C, int N>
void weigh_group(const AttendArgs& a, int row, int d, int end) {
  const KeyRange keys = seen_by(a, row, N);
  if (keys.from >= keys.to) return;
  const float* weights = a.scores + row * kAttendKeys;
  float scaled[kIsQ8<C> ? N * kAttendKeys : 1];
  if constexpr (kIsQ8<C>) {
    scale_by_keys<N>(a, row, d, keys, scaled);
    weights = scaled;
  }
  constexpr int D = kDimsAtOnce<N>;
  for (; d + D <= end; d += D) weigh_in_keys<C, N, D>(a, row, d, keys, weights);
  if constexpr (D > 1) {
    for (; d < end; ++d) weigh_in_keys<C, N, 1>(a, row, d, keys, weights);
  }
}

// A group of dimensions stays in a near cache while all rows go over it.
template <class C>
void attend_values_in_keys(const AttendArgs& a) noexcept {
  std::memset(a.acc, 0, sizeof(float) * std::size_t(a.rows) * std::size_t(a.kv.value_dim));
  const int last = a.kv.value_in_key + a.kv.value_dim;
  for (int d = a.kv.value_in_key, end; d < last; d = end) {
    end = (d / kQ8Group + 1) * kQ8Group;
    if (end > last) end = last;
    for_tiles<kTileRows>(a.rows, [&](int row, auto n) { weigh_group<C, n>(a, row, d, end); });
  }
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
