// Attention over a range of the cache. Keys lie so that one vector holds the same dimension of neighbouring
// tokens: a load serves every query row, and scores need no horizontal sums. Each query row adds in an order
// that depends only on the key positions, never on which rows it shares a tile with.
#pragma once

#include <cmath>
#include <limits>

#include "ops/isa/dot.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

constexpr int kKeyVectors = kKeyBlock / kLanes;  // vectors per 16 tokens
constexpr int kValueKeys = 64;

// Values beyond the range of a format stay finite: a key no query of a row sees has weight 0 there, and 0
// times infinity would not be 0.
inline float within(float x, float most) { return x > most ? most : x < -most ? -most : x; }

// How each cache format is read and written; the lanes of a key vector are tokens, of a value vector
// dimensions.
struct CacheF32 {
  static F key(const std::byte* block, int d, int v) {
    return load(reinterpret_cast<const float*>(block) + d * kKeyBlock + v * kLanes);
  }
  static F value(const std::byte* row, int d) { return load(reinterpret_cast<const float*>(row) + d); }
  static float get(const std::byte* p) {
    float x;
    std::memcpy(&x, p, 4);
    return x;
  }
  static void put(std::byte* p, float x) { std::memcpy(p, &x, 4); }
  static constexpr int kBytes = 4;
};
struct CacheF16 {
  static F key(const std::byte* block, int d, int v) {
    return load_f16(block + 2 * (d * kKeyBlock + v * kLanes));
  }
  static F value(const std::byte* row, int d) { return load_f16(row + 2 * d); }
  static float get(const std::byte* p) {
    std::uint16_t h;
    std::memcpy(&h, p, 2);
    return f16_to_f32(h);
  }
  static void put(std::byte* p, float x) {
    const std::uint16_t h = f32_to_f16(within(x, 65504.0f));
    std::memcpy(p, &h, 2);
  }
  static constexpr int kBytes = 2;
};
struct CacheBf16 {
  static F key(const std::byte* block, int d, int v) {
    return load_bf16(block + 2 * (d * kKeyBlock + v * kLanes));
  }
  static F value(const std::byte* row, int d) { return load_bf16(row + 2 * d); }
  static float get(const std::byte* p) {
    std::uint16_t h;
    std::memcpy(&h, p, 2);
    return bf16_to_f32(h);
  }
  static void put(std::byte* p, float x) {
    const std::uint16_t h = f32_to_bf16(within(x, 0x1.FEp127f));
    std::memcpy(p, &h, 2);
  }
  static constexpr int kBytes = 2;
};
struct CacheQ8 {
  // Without their scale, which weights take in: scale_weights(). Keys are read by score_q8().
  static F value(const std::byte* row, int d) {
    return xsimd::to_float(load_bytes(row + d / kQ8Group * kQ8RowBytes + kQ8ScaleBytes + d % kQ8Group));
  }
};
template <class C>
constexpr bool kIsQ8 = std::is_same_v<C, CacheQ8>;

// Scores of kBlocks x 16 tokens for N query rows.
template <int N, int kBlocks>
using Scores = F[kBlocks * kKeyVectors][N];

// Enough sums at once to hide the latency of the multiply-add.
template <int N>
constexpr int kBlocksAtOnce = N* kKeyVectors >= 8 ? 1 : 8 / (N * kKeyVectors);

template <class C, int N, int kBlocks>
inline void add_scores(const std::byte* block, std::int64_t stride, int dim, const float* const (&q)[N],
                       Scores<N, kBlocks>& s) {
  const std::int64_t ahead = 2 * kBlocks * stride;
  for (int d = 0; d < dim; ++d) {
    F x[N];
    repeat<N>([&](auto n) { x[n] = F(q[n][d]); });
    __builtin_prefetch(block + ahead + d * kKeyBlock * C::kBytes);
    repeat<kBlocks * kKeyVectors>([&](auto v) {
      const F k = C::key(block + v / kKeyVectors * stride, d, v % kKeyVectors);
      repeat<N>([&](auto n) { s[v][n] = xsimd::fma(k, x[n], s[v][n]); });
    });
  }
}
// Scores of the tokens from t on.
template <class C, int N, int kBlocks>
[[gnu::flatten, gnu::noinline]] void score_blocks(const AttendArgs& a, int row, int t) {
  const std::byte* block = a.kv.keys + t / kKeyBlock * a.kv.key_block_bytes;
  const float* q[N];
  repeat<N>([&](auto n) { q[n] = a.q[row + n]; });
  Scores<N, kBlocks> s;
  repeat<kBlocks * kKeyVectors * N>([&](auto i) { s[i / N][i % N] = F(0.0f); });
  add_scores<C, N, kBlocks>(block, a.kv.key_block_bytes, a.kv.key_dim, q, s);
  repeat<kBlocks * kKeyVectors * N>([&](auto i) {
    s[i / N][i % N].store_unaligned(a.scores + (row + i % N) * kAttendKeys + (t - a.begin) + i / N * kLanes);
  });
}

// A group of values as integers, the largest in magnitude as the greatest there is; returns the scale, which
// makes broken values stay visible.
template <class Int>
float round_block(const float* x, Int* q) {
  constexpr float kMost = float(std::numeric_limits<Int>::max());
  float top = 0;
  bool finite = true;
  for (int i = 0; i < kQ8Group; ++i) {
    const float magnitude = std::fabs(x[i]);
    finite = finite && magnitude <= std::numeric_limits<float>::max();
    top = magnitude > top ? magnitude : top;
  }
  // As in quantize(): a reciprocal that would overflow becomes 0.
  const float inverse = finite && top > 1e-33f ? kMost / top : 0.0f;
  for (int i = 0; i < kQ8Group; ++i) q[i] = finite ? Int(std::nearbyint(x[i] * inverse)) : Int{0};
  return finite ? top / kMost : std::numeric_limits<float>::quiet_NaN();
}

// A group of dimensions of N queries in 16 bits each (2^-16 of the largest is far below what the keys have
// lost), as the pairs of dimensions in the halves of a key's quads: so keys need not become floats.
template <int N>
struct QueryBlock {
  float scale[N];
  std::int32_t even[kQ8Quads][N], odd[kQ8Quads][N];

  explicit QueryBlock(const float* const* q) {
    for (int n = 0; n < N; ++n) {
      std::int16_t x[kQ8Group];
      scale[n] = round_block(q[n], x);
      for (int g = 0; g < kQ8Quads; ++g) {
        even[g][n] = pair(x[kQ8Quad * g], x[kQ8Quad * g + 2]);
        odd[g][n] = pair(x[kQ8Quad * g + 1], x[kQ8Quad * g + 3]);
      }
    }
  }
  static std::int32_t pair(std::int16_t low, std::int16_t high) {
    return std::int32_t(std::uint16_t(low) | std::uint32_t(std::uint16_t(high)) << 16);
  }
};

// Adds to the scores what the group of dimensions from d on gives; the first ones set them.
template <int N>
[[gnu::flatten, gnu::noinline]] void score_q8(const AttendArgs& a, int row, int d) {
  const float* q[N];
  repeat<N>([&](auto n) { q[n] = a.q[row + n] + d; });
  const QueryBlock<N> query(q);
  const std::byte* block =
      a.kv.keys + a.begin / kKeyBlock * a.kv.key_block_bytes + d / kQ8Group * kQ8KeyBytes;
  float* scores = a.scores + row * kAttendKeys;
  for (int t = a.begin; t < a.end; t += kKeyBlock, block += a.kv.key_block_bytes, scores += kKeyBlock) {
    I sum[kKeyVectors][N];
    repeat<kKeyVectors * N>([&](auto i) { sum[i / N][i % N] = I(0); });
    for (int g = 0; g < kQ8Quads; ++g) {
      __builtin_prefetch(block + 4 * a.kv.key_block_bytes + kQ8KeyQuads * g);
      repeat<kKeyVectors>([&](auto v) {
        const Halves w = xsimd::bitwise_cast<Halves>(
            load_words(block + kQ8KeyScales + kQ8KeyQuads * g + kQ8Quad * kLanes * v));
        const I even = xsimd::bitwise_cast<I>((w << 8) >> 8), odd = xsimd::bitwise_cast<I>(w >> 8);
        repeat<N>([&](auto n) {
          sum[v][n] = add_pair_products(sum[v][n], even, I(query.even[g][n]));
          sum[v][n] = add_pair_products(sum[v][n], odd, I(query.odd[g][n]));
        });
      });
    }
    repeat<kKeyVectors>([&](auto v) {
      const F scale = load_f16(block + kQ8ScaleBytes * kLanes * v);
      repeat<N>([&](auto n) {
        float* to = scores + n * kAttendKeys + v * kLanes;
        const F before = d == 0 ? F(0.0f) : load(to);
        xsimd::fma(scale * F(query.scale[n]), xsimd::to_float(sum[v][n]), before).store_unaligned(to);
      });
    });
  }
}

template <class C, int N>
void score_rows(const AttendArgs& a, int row) {
  if constexpr (kIsQ8<C>) {
    for (int d = 0; d < a.kv.key_dim; d += kQ8Group) score_q8<N>(a, row, d);
  } else {
    constexpr int kAtOnce = kBlocksAtOnce<N>;
    int t = a.begin;
    for (; t + kAtOnce * kKeyBlock <= a.end; t += kAtOnce * kKeyBlock) score_blocks<C, N, kAtOnce>(a, row, t);
    for (; t < a.end; t += kKeyBlock) score_blocks<C, N, 1>(a, row, t);
  }
}

// Turns a row of scores into exp(s - m), 0 where the row must not look.
inline void exponentiate(const AttendArgs& a, int row) {
  float* s = a.scores + row * kAttendKeys;
  const int n = (a.end - a.begin + kKeyBlock - 1) / kKeyBlock * kKeyBlock;
  const int from = a.from[row] - a.begin, to = a.to[row] - a.begin;
  constexpr float kNone = -std::numeric_limits<float>::infinity();
  for (int i = 0; i < n && i < from; ++i) s[i] = kNone;
  for (int i = to > 0 ? to : 0; i < n; ++i) s[i] = kNone;
  if (a.softcap > 0) {
    const F cap(a.softcap), inverse(1.0f / a.softcap), none(kNone);
    for (int i = 0; i < n; i += kLanes) {
      const F x = load(s + i);
      xsimd::select(x == none, none, cap * xsimd::tanh(x * inverse)).store_unaligned(s + i);
    }
  }
  if (a.bias != nullptr) {
    for (int i = 0; i < n; i += kLanes) (load(s + i) + load(a.bias + a.begin + i)).store_unaligned(s + i);
  }
  F top(kNone);
  for (int i = 0; i < n; i += kLanes) top = xsimd::max(top, load(s + i));
  float m = kNone, t[kLanes];
  top.store_unaligned(t);
  for (const float x : t) m = x > m ? x : m;
  F sum(0.0f);
  const F shift(m == kNone ? 0.0f : m), none(kNone);
  for (int i = 0; i < n; i += kLanes) {
    const F x = load(s + i);
    const F e = xsimd::select(x == none, F(0.0f), xsimd::exp(x - shift));
    e.store_unaligned(s + i);
    sum += e;
  }
  a.m[row] = m;
  a.l[row] = xsimd::hadd(sum);
}

template <class C>
void attend_keys(const AttendArgs& a) noexcept {
  constexpr int kRows = kLanes >= 16 ? 8 : 4;
  int r = 0;
  for (; r + kRows <= a.rows; r += kRows) score_rows<C, kRows>(a, r);
  for (; r + 2 <= a.rows; r += 2) score_rows<C, 2>(a, r);
  if (r < a.rows) score_rows<C, 1>(a, r);
  for (r = 0; r < a.rows; ++r) exponentiate(a, r);
}

// Some rows' weights of the keys [from, to): row n's of key t is p[n][t - from].
template <int N>
struct KeyWeights {
  int from, to;
  const float* p[N];
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
  const std::byte* value = a.kv.values + w.from * a.kv.value_row_bytes;
  const std::int64_t ahead = kValueKeys * a.kv.value_row_bytes;
  const int count = w.to - w.from;
  for (int t = 0; t < count; ++t, value += a.kv.value_row_bytes) {
    __builtin_prefetch(value + ahead + d * 2);
    F x[V];
    repeat<V>([&](auto v) { x[v] = C::value(value, d + v * kLanes); });
    repeat<N>([&](auto n) {
      const F weight(p[n][t]);
      repeat<V>([&](auto v) { acc[n][v] = xsimd::fma(weight, x[v], acc[n][v]); });
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

// Weights times the scales of the values' groups at dimension d, of q8_0.
template <int N>
void scale_weights(const AttendArgs& a, int d, const KeyWeights<N>& w, float (&scaled)[N][kValueKeys]) {
  const std::byte* block = a.kv.values + w.from * a.kv.value_row_bytes + d / kQ8Group * kQ8RowBytes;
  const int count = w.to - w.from;
  std::uint16_t scale[kValueKeys];
  for (int t = 0; t < count; ++t, block += a.kv.value_row_bytes) std::memcpy(&scale[t], block, kQ8ScaleBytes);
  int t = 0;
  for (; t + kLanes <= count; t += kLanes) {
    const F s = load_f16(scale + t);
    repeat<N>([&](auto n) { (load(w.p[n] + t) * s).store_unaligned(scaled[n] + t); });
  }
  for (; t < count; ++t) repeat<N>([&](auto n) { scaled[n][t] = w.p[n][t] * f16_to_f32(scale[t]); });
}

template <class C, int N>
void weigh_rows(const AttendArgs& a, int row) {
  // Keys some row of the tile sees; a row's weights are 0 outside its own range, and adding 0 changes
  // nothing.
  int from = a.end, to = a.begin;
  for (int n = 0; n < N; ++n) {
    const int f = a.from[row + n], t = a.to[row + n];
    from = f < from ? f : from;
    to = t > to ? t : to;
  }
  from = from < a.begin ? a.begin : from;
  to = to > a.end ? a.end : to;
  std::memset(a.acc + row * a.kv.value_dim, 0, sizeof(float) * std::size_t(N * a.kv.value_dim));
  // Enough sums at once to hide the latency of the multiply-add, of one group of a q8_0 value.
  constexpr int kMost = kIsQ8<C> ? kQ8Group / kLanes : 8;
  constexpr int V = N >= 8 ? 1 : 8 / N < kMost ? 8 / N : kMost;
  const int whole = a.kv.value_dim / kLanes * kLanes;
  // The values of kValueKeys keys stay in the nearest cache while each dimension goes over them.
  float scaled[N][kValueKeys];
  for (; from < to; from += kValueKeys) {
    KeyWeights<N> w{from, from + kValueKeys < to ? from + kValueKeys : to, {}};
    repeat<N>([&](auto n) { w.p[n] = a.scores + (row + n) * kAttendKeys + (from - a.begin); });
    KeyWeights<N> used = w;
    if constexpr (kIsQ8<C>) repeat<N>([&](auto n) { used.p[n] = scaled[n]; });
    int d = 0;
    for (; d + V * kLanes <= whole; d += V * kLanes) {
      if constexpr (kIsQ8<C>) {
        if (d % kQ8Group == 0) scale_weights<N>(a, d, w, scaled);
      }
      weigh<C, N, V>(a, row, d, used);
    }
    if constexpr (V > 1) {
      for (; d < whole; d += kLanes) weigh<C, N, 1>(a, row, d, used);
    }
    if (whole < a.kv.value_dim) {
      for (int n = 0; n < N; ++n) weigh_tail<C>(a, row + n, whole, from, w.to);
    }
  }
}

template <class C>
void attend_values(const AttendArgs& a) noexcept {
  int r = 0;
  for (; r + 4 <= a.rows; r += 4) weigh_rows<C, 4>(a, r);
  for (; r + 2 <= a.rows; r += 2) weigh_rows<C, 2>(a, r);
  if (r < a.rows) weigh_rows<C, 1>(a, r);
}

template <class C>
void store_key(const KvView& kv, std::int32_t position, const float* key) noexcept {
  std::byte* block = kv.keys + position / kKeyBlock * kv.key_block_bytes;
  for (int d = 0; d < kv.key_dim; ++d)
    C::put(block + (d * kKeyBlock + position % kKeyBlock) * C::kBytes, key[d]);
}

template <class C>
void store_value(const KvView& kv, std::int32_t position, const float* value) noexcept {
  std::byte* row = kv.values + position * kv.value_row_bytes;
  for (int d = 0; d < kv.value_dim; ++d) C::put(row + d * C::kBytes, value[d]);
}

// A group of values as Q8_0 means them: a half-precision scale and bytes.
inline void round_q8(const float* x, std::uint16_t* scale, std::int8_t* q) {
  *scale = f32_to_f16(round_block(x, q));
}

template <>
void store_key<CacheQ8>(const KvView& kv, std::int32_t position, const float* key) noexcept {
  std::byte* block = kv.keys + position / kKeyBlock * kv.key_block_bytes;
  const int lane = position % kKeyBlock;
  for (int d = 0; d < kv.key_dim; d += kQ8Group, block += kQ8KeyBytes) {
    std::uint16_t scale;
    std::int8_t q[kQ8Group];
    round_q8(key + d, &scale, q);
    std::memcpy(block + kQ8ScaleBytes * lane, &scale, kQ8ScaleBytes);
    for (int g = 0; g < kQ8Quads; ++g)
      std::memcpy(block + kQ8KeyScales + kQ8KeyQuads * g + kQ8Quad * lane, q + kQ8Quad * g, kQ8Quad);
  }
}

template <>
void store_value<CacheQ8>(const KvView& kv, std::int32_t position, const float* value) noexcept {
  std::byte* row = kv.values + position * kv.value_row_bytes;
  for (int d = 0; d < kv.value_dim; d += kQ8Group, row += kQ8RowBytes) {
    std::uint16_t scale;
    std::int8_t q[kQ8Group];
    round_q8(value + d, &scale, q);
    std::memcpy(row, &scale, kQ8ScaleBytes);
    std::memcpy(row + kQ8ScaleBytes, q, kQ8Group);
  }
}

void merge_partials(float* m, float* l, float* acc, float m2, float l2, const float* acc2,
                    std::int32_t n) noexcept {
  if (l2 == 0) return;
  const float top = *m > m2 ? *m : m2;
  const float ours = *l == 0 ? 0.0f : std::exp(*m - top), theirs = std::exp(m2 - top);
  for (int i = 0; i < n; ++i) acc[i] = acc[i] * ours + acc2[i] * theirs;
  *l = *l * ours + l2 * theirs;
  *m = top;
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
