// Values of a cache weighed with what the scores have become, and partial results joined.
#pragma once

#include "ops/isa/attend/cache.inl"
#include "ops/isa/attend/key_values.inl"
#include "ops/isa/attend/row_tiles.inl"
#include "ops/kernels.h"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

constexpr int kValueKeys = 64;

// Keys, and the weights N rows give them.
template <int N>
struct KeyWeights {
  KeyRange keys;
  const float* p[N];  // (keys)
};

// acc[n][d .. d + V lanes) += weights times values, for N rows.
template <class C, int N, int V>
[[gnu::flatten, gnu::noinline]] void weigh(const AttendArgs& a, int row, int d, const KeyWeights<N>& w) {
  F acc[N][V];
  const float* p[N];
  float* out[N];
  repeat<N>([&](auto n) {
    p[n] = w.p[n];
    out[n] = a.acc + (row + n) * a.kv.value_dim + d;
    repeat<V>([&](auto v) { acc[n][v] = load(out[n] + v * kLanes); });
  });
  const std::byte* value = a.kv.values + w.keys.from * a.kv.value_row_bytes;
  const std::int64_t ahead = kValueKeys * a.kv.value_row_bytes;
  const int count = w.keys.to - w.keys.from;
  for (int t = 0; t < count; ++t, value += a.kv.value_row_bytes) {
    __builtin_prefetch(value + ahead + d * 2);
    F x[V];
    repeat<V>([&](auto v) { x[v] = C::value(value, d + v * kLanes); });
    repeat<N>([&](auto n) {
      const F weight(p[n][t]);
      repeat<V>([&](auto v) { acc[n][v] = multiply_add(weight, x[v], acc[n][v]); });
    });
  }
  repeat<N * V>([&](auto i) { acc[i / V][i % V].store_unaligned(out[i / V] + i % V * kLanes); });
}

// One dimension at a time, where a head is no whole number of vectors.
template <class C>
void weigh_tail(const AttendArgs& a, int row, int d, int from, int to) {
  if constexpr (!kIsQ8<C>) {  // q8_0 heads are whole groups
    for (; d < a.kv.value_dim; ++d) {
      float& sum = a.acc[row * a.kv.value_dim + d];
      for (int t = from; t < to; ++t) {
        const std::byte* p = a.kv.values + t * a.kv.value_row_bytes + d * C::kBytes;
        sum += a.scores[row * kAttendKeys + (t - a.begin)] * C::get(p);
      }
    }
  }
}

// Weights of kValueKeys keys.
using WeightRow = float[kValueKeys];

// Weights times the scales of the values' groups at dimension d, of q8_0.
template <int N>
void scale_weights(const AttendArgs& a, int row, KeyRange keys, int d, WeightRow (&scaled)[N]) {
  const std::byte* block = a.kv.values + keys.from * a.kv.value_row_bytes + d / kQ8Group * kQ8RowBytes;
  const int count = keys.to - keys.from;
  std::uint16_t scale[kValueKeys];
  for (int t = 0; t < count; ++t, block += a.kv.value_row_bytes) std::memcpy(&scale[t], block, kQ8ScaleBytes);
  const float* weights = a.scores + row * kAttendKeys + (keys.from - a.begin);
  int t = 0;
  for (; t + kLanes <= count; t += kLanes) {
    const F s = load_f16(scale + t);
    repeat<N>([&](auto n) { (load(weights + n * kAttendKeys + t) * s).store_unaligned(scaled[n] + t); });
  }
  for (; t < count; ++t) {
    repeat<N>([&](auto n) { scaled[n][t] = weights[n * kAttendKeys + t] * f16_to_f32(scale[t]); });
  }
}

template <class C, int N>
void weigh_rows(const AttendArgs& a, int row) {
  // Enough sums at once to hide the latency of the multiply-add, of one group of a q8_0 value.
  constexpr int kMost = kIsQ8<C> ? kQ8Group / kLanes : 8;
  constexpr int V = N > 4 ? 2 : 8 / N < kMost ? 8 / N : kMost;
  const int whole = a.kv.value_dim / kLanes * kLanes;
  WeightRow scaled[N];
  KeyRange keys = seen_by(a, row, N);
  // The values of kValueKeys keys stay in the nearest cache while each dimension goes over them.
  for (const int last = keys.to; keys.from < last; keys.from += kValueKeys) {
    keys.to = keys.from + kValueKeys < last ? keys.from + kValueKeys : last;
    KeyWeights<N> w{keys, {}};
    repeat<N>([&](auto n) {
      w.p[n] = kIsQ8<C> ? scaled[n] : a.scores + (row + n) * kAttendKeys + (keys.from - a.begin);
    });
    int d = 0;
    for (; d + V * kLanes <= whole; d += V * kLanes) {
      if constexpr (kIsQ8<C>) {
        if (d % kQ8Group == 0) scale_weights<N>(a, row, keys, d, scaled);
      }
      weigh<C, N, V>(a, row, d, w);
    }
    if constexpr (V > 1) {
      for (; d < whole; d += kLanes) weigh<C, N, 1>(a, row, d, w);
    }
    if (whole < a.kv.value_dim) {
      for (int n = 0; n < N; ++n) weigh_tail<C>(a, row + n, whole, keys.from, keys.to);
    }
  }
}

template <class C>
void attend_values(const AttendArgs& a) noexcept {
  if (a.kv.value_in_key >= 0) return attend_values_in_keys<C>(a);
  std::memset(a.acc, 0, sizeof(float) * std::size_t(a.rows) * std::size_t(a.kv.value_dim));
  for_tiles<kTileRows>(a.rows, [&](int row, auto n) { weigh_rows<C, n>(a, row); });
}

void merge_partials(float* m, float* l, float* acc, float m2, float l2, const float* acc2,
                    std::int32_t n) noexcept {
  if (l2 == 0) return;
  // Where nothing was seen yet there is no maximum either: scores far below 0 would vanish beside its 0.
  const float top = *l != 0 && *m > m2 ? *m : m2;
  const float ours = *l == 0 ? 0.0f : std::exp(*m - top), theirs = std::exp(m2 - top);
  for (int i = 0; i < n; ++i) acc[i] = acc[i] * ours + acc2[i] * theirs;
  *l = *l * ours + l2 * theirs;
  *m = top;
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
