// Scores of queries and keys, and the weights they give. Keys lie so that one vector holds the same dimension
// of neighbouring tokens: a load serves every query row, and scores need no horizontal sums. Each query row
// adds in an order that depends only on the key positions, never on which rows it shares a tile with.
#pragma once

#include "ops/isa/attend/cache.inl"
#include "ops/isa/attend/exp.inl"
#include "ops/isa/attend/row_tiles.inl"
#include "ops/isa/dot.inl"
#include "ops/kernels.h"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// Scores of kBlocks x 16 tokens for N query rows.
template <int N, int kBlocks>
using Scores = F[kBlocks * kKeyVectors][N];

// Enough sums at once to hide the latency of the multiply-add: eight.
template <int N>
constexpr int kBlocksAtOnce = (8 + N * kKeyVectors - 1) / (N * kKeyVectors);

// Scores of kBlocks blocks of tokens, from t on.
template <class C, int N, int kBlocks>
[[gnu::flatten, gnu::noinline]] void score_blocks(const AttendArgs& a, int row, int t) {
  const std::int64_t stride = a.kv.key_block_bytes;
  const std::byte* const block = a.kv.keys + t / kKeyBlock * stride;
  const float* q[N];
  repeat<N>([&](auto n) { q[n] = a.q[row + n]; });
  Scores<N, kBlocks> s;
  repeat<kBlocks * kKeyVectors * N>([&](auto i) { s[i / N][i % N] = F(0.0f); });
  // Whichever are fewer wait in registers, the keys or the queries.
  constexpr int V = kBlocks * kKeyVectors;
  for (int d = 0; d < a.kv.key_dim; ++d) {
    __builtin_prefetch(block + 2 * kBlocks * stride + d * kKeyBlock * C::kBytes);
    const auto key = [&](auto v) { return C::key(block + v / kKeyVectors * stride, d, v % kKeyVectors); };
    if constexpr (V < N) {
      F k[V];
      repeat<V>([&](auto v) { k[v] = key(v); });
      repeat<N>([&](auto n) {
        const F x(q[n][d]);
        repeat<V>([&](auto v) { s[v][n] = multiply_add(k[v], x, s[v][n]); });
      });
    } else {
      F x[N];
      repeat<N>([&](auto n) { x[n] = F(q[n][d]); });
      repeat<V>([&](auto v) {
        const F k = key(v);
        repeat<N>([&](auto n) { s[v][n] = multiply_add(k, x[n], s[v][n]); });
      });
    }
  }
  repeat<kBlocks * kKeyVectors * N>([&](auto i) {
    s[i / N][i % N].store_unaligned(a.scores + (row + i % N) * kAttendKeys + (t - a.begin) + i / N * kLanes);
  });
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
        multiply_add(scale * F(query.scale[n]), xsimd::to_float(sum[v][n]), before).store_unaligned(to);
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

// Adds what distances from key `own` of the view cost, to n scores from key `begin` on.
inline void add_distances(float* s, int n, int begin, int own, float slope) {
  float steps[kLanes];
  for (int i = 0; i < kLanes; ++i) steps[i] = float(i);
  const F lane = load(steps), down(-slope);
  for (int i = 0; i < n; i += kLanes) {
    const F distance = xsimd::abs(F(float(begin + i - own)) + lane);
    multiply_add(down, distance, load(s + i)).store_unaligned(s + i);
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
  if (a.slope != nullptr) add_distances(s, n, a.begin, a.own[row], a.slope[row]);
  F top(kNone);
  for (int i = 0; i < n; i += kLanes) top = xsimd::max(top, load(s + i));
  float m = kNone, t[kLanes];
  top.store_unaligned(t);
  for (const float x : t) m = x > m ? x : m;
  F sum(0.0f);
  const F shift(m == kNone ? 0.0f : m);
  for (int i = 0; i < n; i += kLanes) {
    const F e = exp_of_negative(load(s + i) - shift);
    e.store_unaligned(s + i);
    sum += e;
  }
  a.m[row] = m;
  a.l[row] = xsimd::hadd(sum);
}

template <class C>
void attend_keys(const AttendArgs& a) noexcept {
  for_tiles<kTileRows>(a.rows, [&](int row, auto n) { score_rows<C, n>(a, row); });
  for (int r = 0; r < a.rows; ++r) exponentiate(a, r);
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
