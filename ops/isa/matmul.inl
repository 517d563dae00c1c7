// out = W x for panels of 16 rows. A few tokens are multiplied with weights unpacked on the way
// (direct_tile); more than that with weights unpacked once into a stage that stays in the nearest cache
// (stage.inl). Both close their sums with the same functions of this file, so a token's result does not
// depend on which tokens it is computed with: for each output the same integers are summed and the same
// floats added in the same order.
#pragma once

#include "ops/isa/floats.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// Formats fall into three kinds: floats, blocks of 32 with float scales, and superblocks of 256 with integer
// scales per group.
template <class Fm>
constexpr bool kIsFloat = Fm::info.activation == Activation::f32;
template <class Fm>
constexpr bool kIsSuper = Fm::info.block_elements == 256;

template <class Fm>
constexpr int group_of() {
  if constexpr (kIsSuper<Fm>) return Fm::kGroup;
  return 32;
}
template <class Fm>
using DotOf = Dot<Fm, group_of<Fm>() / 4>;

// Activations of one token, from the first column of a run on.
struct Column {
  const std::int8_t* q;        // (cols)
  const std::int32_t* sums;    // (cols / 16)
  const std::int16_t* sums32;  // (cols / 32)
  const float* scale;          // (cols / block)

  Column() = default;
  Column(const ActView& x, int token, int col, int block)
      : q(x.q8 + token * x.q8_stride + col),
        sums(x.sums + token * x.sums_stride + col / 16),
        sums32(x.sums32 + token * x.sums32_stride + col / 32),
        scale(x.scale + token * x.scale_stride + col / block) {}

  // What a sum over group `g` starts with.
  template <class Fm>
  I offset(int g) const {
    if constexpr (DotOf<Fm>::kOffset == 0) {
      return I(0);
    } else if constexpr (group_of<Fm>() == 16) {
      return DotOf<Fm>::offset(I(sums[g]));
    } else {
      return DotOf<Fm>::offset(add_halves(I(sums[2 * g]), I(sums[2 * g + 1])));
    }
  }
};

inline I broadcast_pair(const std::int16_t* p) {
  std::int32_t w;
  std::memcpy(&w, p, 4);
  return I(w);
}

// Minima of superblocks, multiplied with the sums of activations: two groups of 32 at once, or the halves of
// one group of 16.
template <class Fm>
constexpr int kMinimaWords = Fm::kGroup == 32 ? 4 : 16;

template <class Fm>
inline I minima_word(Cursor c, unsigned i) {
  if constexpr (Fm::kGroup == 32) return Fm::minimum(c, 2 * i) | (Fm::minimum(c, 2 * i + 1) << 16);
  return twice(Fm::minimum(c, i));
}
template <class Fm>
inline I minima_sums(const Column& x, int superblock, int i) {
  if constexpr (Fm::kGroup == 32) return broadcast_pair(x.sums32 + 8 * superblock + 2 * i);
  return I(x.sums[16 * superblock + i]);
}

// The float end of a block or superblock: acc + d y total.
inline F close_sum(F acc, I total, F d, F y) { return xsimd::fma(xsimd::to_float(total), d * y, acc); }
// Minima of a block: acc + m y sum.
inline F close_minimum(F acc, F m, const Column& x, int b) {
  return xsimd::fma(m, F(x.scale[b] * float(x.sums32[b])), acc);
}
// Minima of a superblock: acc - dmin y minima.
inline F close_minima(F acc, I minima, F dmin, F y) {
  return xsimd::fnma(xsimd::to_float(minima), dmin * y, acc);
}

// Output rows [row, row + kLanes) of one token, of which those beyond `rows` do not exist.
inline void store_out(float* out, int row, int rows, F y) {
  if (row + kLanes <= rows) {
    y.store_unaligned(out + row);
  } else if (row < rows) {
    float t[kLanes];
    y.store_unaligned(t);
    std::memcpy(out + row, t, sizeof(float) * std::size_t(rows - row));
  }
}

// Sums of kDirectVectors vectors of rows, a panel or half of one, for N tokens.
constexpr int kDirectVectors = kParts < 2 ? kParts : 2;
template <int N>
using Sums = F[kDirectVectors][N];

// f(r, n) for every vector of rows and token.
template <int N, class Function>
[[gnu::always_inline]] inline void for_sums(const Function& f) {
  repeat<kDirectVectors * N>(
      [&](auto i) { f(std::integral_constant<int, i / N>{}, std::integral_constant<int, i % N>{}); });
}

// One group for each vector and token. quads(cursor, g) are the weights.
template <class D, int kQuads, int N, class Quads>
[[gnu::always_inline]] inline void dot_directly(const Cursor& c, const std::int8_t* const (&q)[N],
                                                D (&dot)[kDirectVectors][N], const I (&scale)[kDirectVectors],
                                                I (&total)[kDirectVectors][N], const Quads& quads) {
  repeat<kQuads>([&](auto g) {
    typename D::Weights w[kDirectVectors];
    repeat<kDirectVectors>([&](auto r) { w[r] = D::prepare(D::staged(quads(c.next(r), g))); });
    repeat<N>([&](auto n) {
      const I a = broadcast_quad(q[n] + 4 * g);
      repeat<kDirectVectors>([&](auto r) { dot[r][n].add(w[r], a, g, scale[r], total[r][n]); });
    });
  });
}

// kAhead blocks of floats from column k on, of which `cols` columns exist in the last.
template <class Fm, int N, int kAhead>
inline void dot_float_blocks(Cursor c, const float* const (&x)[N], int k, int cols, Sums<N>& acc) {
  using Steps = FloatSteps<Fm>;
  constexpr int kStride = kPanelRows * sizeof(typename Fm::Block);
  typename Steps::template Inputs<kFloatBlock> in[kAhead][N];
  F sum[kAhead][kDirectVectors][N];
  repeat<kAhead * N>([&](auto j) {
    constexpr int b = j / N, n = j % N;
    in[b][n].read(x[n] + k + b * kFloatBlock, b + 1 < kAhead ? kFloatBlock : cols);
  });
  repeat<kAhead>([&](auto b) { for_sums<N>([&](auto r, auto n) { sum[b][r][n] = F(0.0f); }); });
  c.block += std::ptrdiff_t{k} * kStride;
  for (int i = 0; i < cols; i += Steps::kColumns, c.block += Steps::kColumns * kStride) {
    repeat<kAhead * kDirectVectors>([&](auto j) {
      constexpr int b = j / kDirectVectors, r = j % kDirectVectors;
      const auto w = Steps::weights(Cursor{c.block + b * kFloatBlock * kStride, c.part + r}, cols - i);
      repeat<N>(
          [&](auto n) { sum[b][r][n] = Steps::add(sum[b][r][n], w, in[b][n].at(i / Steps::kColumns)); });
    });
  }
  repeat<kAhead>([&](auto b) { for_sums<N>([&](auto r, auto n) { acc[r][n] += sum[b][r][n]; }); });
}

template <class Fm, int N>
inline void dot_floats(Cursor c, const MatmulArgs& a, int token, Sums<N>& acc) {
  constexpr int kAhead = 4 / N;
  const float* x[N];
  repeat<N>([&](auto n) { x[n] = a.x.f32 + (token + n) * a.x.f32_stride; });
  int k = 0;
  for (; k + kAhead * kFloatBlock <= a.cols; k += kAhead * kFloatBlock)
    dot_float_blocks<Fm, N, kAhead>(c, x, k, kFloatBlock, acc);
  for (; k < a.cols; k += kFloatBlock)
    dot_float_blocks<Fm, N, 1>(c, x, k, a.cols - k < kFloatBlock ? a.cols - k : kFloatBlock, acc);
}

// Asks for the weights that come kPrefetch bytes behind a run of kBytes. The processor guesses a stream too,
// but each page anew, and several streams of one panel block badly: single tokens read 1.5 times as fast.
constexpr int kPrefetch = 8192;
template <int kBytes>
[[gnu::always_inline]] inline void prefetch_weights(const std::byte* run) {
  repeat<(kBytes + 63) / 64>([&](auto i) { __builtin_prefetch(run + kPrefetch + 64 * i); });
}

template <class Fm, int N>
inline void dot_blocks(Cursor c, const MatmulArgs& a, int token, Sums<N>& acc) {
  using D = DotOf<Fm>;
  Column x[N];
  repeat<N>([&](auto n) { x[n] = Column(a.x, token + n, 0, 32); });
  for (int b = 0; b < a.cols / 32; ++b) {
    prefetch_weights<kPanelRows * sizeof(typename Fm::Block)>(c.block);
    D dot[kDirectVectors][N];
    I total[kDirectVectors][N], unit[kDirectVectors];
    const std::int8_t* q[N];
    repeat<kDirectVectors>([&](auto r) { unit[r] = D::unit(); });
    repeat<N>([&](auto n) {
      q[n] = x[n].q + 32 * b;
      const I offset = x[n].template offset<Fm>(b);
      repeat<kDirectVectors>([&](auto r) {
        dot[r][n].start(offset);
        total[r][n] = I(0);
      });
    });
    dot_directly<D, 8>(c, q, dot, unit, total, [](const Cursor& from, int g) { return Fm::quads(from, g); });
    for_sums<N>([&](auto r, auto n) {
      dot[r][n].finish(total[r][n]);
      acc[r][n] = close_sum(acc[r][n], total[r][n], Fm::scale(c.next(r)), F(x[n].scale[b]));
      if constexpr (Fm::kHasMin) acc[r][n] = close_minimum(acc[r][n], Fm::minimum(c.next(r)), x[n], b);
    });
    c.block += kPanelRows * sizeof(typename Fm::Block);
  }
}

template <class Fm, int N>
inline void add_minima(const Cursor& c, const Column (&x)[N], int b, Sums<N>& acc) {
  I sum[kDirectVectors][N];
  for_sums<N>([&](auto r, auto n) { sum[r][n] = I(0); });
  repeat<kMinimaWords<Fm>>([&](auto i) {
    repeat<kDirectVectors>([&](auto r) {
      const I m = minima_word<Fm>(c.next(r), i);
      repeat<N>([&](auto n) { sum[r][n] = add_pair_products(sum[r][n], m, minima_sums<Fm>(x[n], b, i)); });
    });
  });
  for_sums<N>([&](auto r, auto n) {
    acc[r][n] = close_minima(acc[r][n], sum[r][n], Fm::dmin(c.next(r)), F(x[n].scale[b]));
  });
}

// The runs of 32 weights, i = 0 and 1, that are unpacked side by side in turn `part`: neighbours, or the two
// that share their bytes.
template <class Fm>
constexpr unsigned run_of(unsigned part, unsigned i) {
  if constexpr (requires { Fm::kRunsApart; }) {
    static_assert(Fm::kRunsApart == 2);
    return 4 * (part / 2) + part % 2 + 2 * i;
  }
  return 2 * part + i;
}

// Sums of a superblock stay integers: |sum| <= 63 * 127 * 31 * 256 < 2^31 for scales of 6 bits,
// 128 * 127 * 32 * 256 < 2^31 for 8.
template <class Fm, int N>
inline void dot_superblocks(Cursor c, const MatmulArgs& a, int token, Sums<N>& acc) {
  using D = DotOf<Fm>;
  constexpr int kQuads = Fm::kGroup / 4, kGroups = 256 / Fm::kGroup;
  Column x[N];
  repeat<N>([&](auto n) { x[n] = Column(a.x, token + n, 0, 256); });
  for (int b = 0; b < a.cols / 256; ++b) {
    I total[kDirectVectors][N];
    for_sums<N>([&](auto r, auto n) { total[r][n] = I(0); });
    // Two runs of 32 are unrolled, low and high halves of the same bytes in most formats. With four, gcc 12
    // comes to four fifths (Q4_K) and half (Q6_K) of the speed, with or without a barrier between runs.
    // Two loops, of turns 0, 2 and of turns 1, 3, come to 0.6: it then keeps sums in memory.
    constexpr int kRuns = 2, kUnroll = kRuns * 32 / Fm::kGroup;
#pragma GCC unroll 1
    for (int part = 0; part < kGroups / kUnroll; ++part) {
      constexpr int kBytes = kPanelRows * sizeof(typename Fm::Block) / (kGroups / kUnroll);
      prefetch_weights<kBytes>(c.block + part * kBytes);
      repeat<kUnroll>([&](auto i) {
        const unsigned run = run_of<Fm>(unsigned(part), i * Fm::kGroup / 32);
        const unsigned group = run * (32 / Fm::kGroup) + i % (32 / Fm::kGroup);
        D dot[kDirectVectors][N];
        I scale[kDirectVectors];
        const std::int8_t* q[N];
        repeat<kDirectVectors>([&](auto r) { scale[r] = D::scale(Fm::scale(c.next(r), group)); });
        repeat<N>([&](auto n) {
          q[n] = x[n].q + 256 * b + group * Fm::kGroup;
          const I offset = x[n].template offset<Fm>(kGroups * b + group);
          repeat<kDirectVectors>([&](auto r) { dot[r][n].start(offset); });
        });
        const int at = i * kQuads % 8;
        dot_directly<D, kQuads>(c, q, dot, scale, total,
                                [&](const Cursor& from, int g) { return Fm::quads(from, run, at + g); });
        for_sums<N>([&](auto r, auto n) { dot[r][n].finish(scale[r], total[r][n]); });
      });
    }
    for_sums<N>([&](auto r, auto n) {
      acc[r][n] = close_sum(acc[r][n], total[r][n], Fm::d(c.next(r)), F(x[n].scale[b]));
    });
    if constexpr (Fm::kHasMin) add_minima<Fm>(c, x, b, acc);
    c.block += kPanelRows * sizeof(typename Fm::Block);
  }
}

// Flattened: a lambda left out of line would keep its accumulators in memory.
template <class Fm, int N>
[[gnu::flatten, gnu::noinline]] void direct_tile(Cursor c, const MatmulArgs& a, int row, int token) {
  Sums<N> acc;
  for_sums<N>([&](auto r, auto n) { acc[r][n] = F(0.0f); });
  if constexpr (kIsFloat<Fm>) {
    dot_floats<Fm, N>(c, a, token, acc);
  } else if constexpr (kIsSuper<Fm>) {
    dot_superblocks<Fm, N>(c, a, token, acc);
  } else {
    dot_blocks<Fm, N>(c, a, token, acc);
  }
  for_sums<N>([&](auto r, auto n) {
    store_out(a.out + (token + n) * a.out_stride, row + r * kLanes, a.rows, acc[r][n]);
  });
}

// The sums of a superblock, integers and floats, need the more registers.
template <class Fm>
constexpr int kWidestDirect = kIsSuper<Fm> ? kDirectTokensOfSupers : kDirectTokens;

template <class Fm>
void multiply_directly(const MatmulArgs& a) {
  const std::byte* data = a.panels;
  for (int panel = a.panel_begin; panel < a.panel_end; ++panel, data += a.panel_bytes) {
    for (int part = 0; part < kParts; part += kDirectVectors) {
      const int row = panel * kPanelRows + part * kLanes;
      for_tiles<kWidestDirect<Fm>>(a.tokens, [&](int t, auto n) {
        direct_tile<Fm, n>({data, part}, a, row, t);
      });
    }
  }
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
