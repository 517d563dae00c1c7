// out = W x for panels of 16 rows and a few tokens: weights are unpacked on the way. More tokens than that
// are multiplied with weights unpacked once (stage.inl).
#pragma once

#include "ops/isa/tile.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

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

// Tokens of a tile. One that is wider than there are tokens computes the last several times.
struct TokenRun {
  int first, last;

  int operator[](int n) const { return first + n < last ? first + n : last; }
};

// Sums of kDirectVectors vectors of rows, a panel or half of one, for N tokens.
constexpr int kDirectVectors = kParts < 2 ? kParts : 2;
template <int N>
using Sums = F[kDirectVectors][N];

// Asks for the weights that come behind a run of kBytes: far ahead into the second cache, whose queue holds
// more lines than the first's, and shortly before use into the first. The processor guesses a stream too, but
// each page anew, and several streams of one panel block badly: Q6_K, two streams line by line, is read at 15
// GB/s by two cores of a Zen 4 without this, at 18 asked for into the first cache only, and at 31 so (other
// types gain 4 to 15 % by the second step).
constexpr int kFarAhead = 8192, kNearAhead = 1024;
template <int kBytes>
[[gnu::always_inline]] inline void prefetch_weights(const std::byte* run) {
  repeat<(kBytes + 63) / 64>([&](auto i) __attribute__((always_inline)) {
    __builtin_prefetch(run + kFarAhead + 64 * i, 0, 2);
    __builtin_prefetch(run + kNearAhead + 64 * i);
  });
}

// kAhead blocks of floats from column k on, of which `cols` columns exist in the last. Where one is read at a
// time, its weights are asked for ahead; several are streams that the processor finds by itself: from memory,
// asking loses a sixth then.
template <class Fm, int N, int kAhead>
inline void dot_float_blocks(Cursor c, const typename FloatSteps<Fm>::Input (&x)[N], int k, int cols,
                             Sums<N>& acc) {
  using Steps = FloatSteps<Fm>;
  constexpr int kStride = kPanelRows * sizeof(typename Fm::Block), kRun = 16;
  F sum[kAhead][kDirectVectors][N];
  repeat<kAhead>(
      [&](auto b) { for_sums<kDirectVectors, N>([&](auto r, auto n) { sum[b][r][n] = F(0.0f); }); });
  c.block += std::ptrdiff_t{k} * kStride;
  for (; cols > 0; cols -= kRun, k += kRun) {
    if constexpr (kAhead == 1) prefetch_weights<kRun * kStride>(c.block);
    const int run = cols < kRun ? cols : kRun;
    for (int i = 0; i < run; i += Steps::kColumns, c.block += Steps::kColumns * kStride) {
      repeat<kAhead * kDirectVectors>([&](auto j) {
        constexpr int b = j / kDirectVectors, r = j % kDirectVectors;
        const auto w = Steps::weights(Cursor{c.block + b * kFloatBlock * kStride, c.part + r}, run - i);
        repeat<N>([&](auto n) {
          sum[b][r][n] = Steps::add(sum[b][r][n], w, Steps::at(x[n] + k + i + b * kFloatBlock));
        });
      });
    }
  }
  repeat<kAhead>(
      [&](auto b) { for_sums<kDirectVectors, N>([&](auto r, auto n) { acc[r][n] += sum[b][r][n]; }); });
}

template <class Fm, int N>
inline void dot_floats(Cursor c, const MatmulArgs& a, TokenRun tokens, Sums<N>& acc) {
  constexpr int kSums = FloatSteps<Fm>::kSums, kAhead = N < kSums ? kSums / N : 1;
  typename FloatSteps<Fm>::Input x[N];
  repeat<N>([&](auto n) { x[n] = FloatSteps<Fm>::input(a.x, tokens[n], 0); });
  int k = 0;
  for (; k + kAhead * kFloatBlock <= a.cols; k += kAhead * kFloatBlock)
    dot_float_blocks<Fm, N, kAhead>(c, x, k, kFloatBlock, acc);
  for (; k < a.cols; k += kFloatBlock)
    dot_float_blocks<Fm, N, 1>(c, x, k, a.cols - k < kFloatBlock ? a.cols - k : kFloatBlock, acc);
}

template <class Fm, int N>
inline void dot_blocks(Cursor c, const MatmulArgs& a, TokenRun tokens, Sums<N>& acc) {
  constexpr int kRuns = Fm::info.block_elements / 32;
  Column x[N];
  repeat<N>([&](auto n) __attribute__((always_inline)) { x[n] = Column(a.x, tokens[n], 0, 32); });
  for (int b = 0; b < a.cols / 32; b += kRuns) {
    prefetch_weights<kPanelRows * sizeof(typename Fm::Block)>(c.block);
    for (int run = 0; run < kRuns; ++run) {
      add_run<Fm>(
          x, b + run,
          [&](auto r, int g)
              __attribute__((always_inline)) { return run_quad<Fm>(c.next(r), unsigned(run), g); },
          [&](auto r, int i)
              __attribute__((always_inline)) { return run_scale<Fm>(c.next(r), unsigned(run), i); },
          [&](auto r) __attribute__((always_inline)) { return run_minimum<Fm>(c.next(r)); }, acc);
    }
    c.block += kPanelRows * sizeof(typename Fm::Block);
  }
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
inline void dot_superblocks(Cursor c, const MatmulArgs& a, TokenRun tokens, Sums<N>& acc) {
  using D = DotOf<Fm>;
  constexpr int kGroups = 256 / Fm::kGroup;
  Column x[N];
  repeat<N>([&](auto n) __attribute__((always_inline)) { x[n] = Column(a.x, tokens[n], 0, 256); });
  for (int b = 0; b < a.cols / 256; ++b) {
    I total[kDirectVectors][N];
    for_sums<kDirectVectors, N>([&](auto r, auto n) __attribute__((always_inline)) { total[r][n] = I(0); });
    // Two runs of 32 are unrolled, low and high halves of the same bytes in most formats. With four, gcc 12
    // comes to four fifths (Q4_K) and half (Q6_K) of the speed, with or without a barrier between runs.
    // Two loops, of turns 0, 2 and of turns 1, 3, come to 0.6: it then keeps sums in memory.
    constexpr int kRuns = 2, kUnroll = kRuns * 32 / Fm::kGroup;
#pragma GCC unroll 1
    for (int part = 0; part < kGroups / kUnroll; ++part) {
      constexpr int kBytes = kPanelRows * sizeof(typename Fm::Block) / (kGroups / kUnroll);
      prefetch_weights<kBytes>(c.block + part * kBytes);
      repeat<kUnroll>([&](auto i) __attribute__((always_inline)) {
        const unsigned run = run_of<Fm>(unsigned(part), i * Fm::kGroup / 32);
        const unsigned group = run * (32 / Fm::kGroup) + i % (32 / Fm::kGroup);
        const int at = i * kQuadsOf<Fm> % 8;
        add_group<Fm>(
            x, kGroups * b + int(group),
            [&](auto r, int g)
                __attribute__((always_inline)) { return D::staged(Fm::quads(c.next(r), run, at + g)); },
            [&](auto r) __attribute__((always_inline)) { return D::scale(Fm::scale(c.next(r), group)); },
            total);
      });
    }
    for_sums<kDirectVectors, N>([&](auto r, auto n) __attribute__((always_inline)) {
      acc[r][n] = close_sum(acc[r][n], total[r][n], Fm::d(c.next(r)), F(x[n].scale[b]));
    });
    if constexpr (Fm::kHasMin) {
      add_minima<Fm>(
          x, b, [&](auto r, auto i) __attribute__((always_inline)) { return minima_word<Fm>(c.next(r), i); },
          [&](auto r) __attribute__((always_inline)) { return Fm::dmin(c.next(r)); }, acc);
    }
    c.block += kPanelRows * sizeof(typename Fm::Block);
  }
}

// Flattened, and lambdas of tile.inl and above say the same once more: one left out of line keeps its
// accumulators in memory. gcc 12 did that to tiles of 3 tokens (Q4_K on AVX2: 55 GMAC/s instead of 101).
template <class Fm, int N>
[[gnu::flatten, gnu::noinline]] void direct_tile(Cursor c, const MatmulArgs& a, int row, TokenRun tokens) {
  Sums<N> acc;
  for_sums<kDirectVectors, N>([&](auto r, auto n) __attribute__((always_inline)) { acc[r][n] = F(0.0f); });
  if constexpr (kIsFloat<Fm>) {
    dot_floats<Fm, N>(c, a, tokens, acc);
  } else if constexpr (kHeadBytes<Fm> > 0) {
    dot_superblocks<Fm, N>({c.block + kHeadBytes<Fm>, c.part}, a, tokens, acc);
    for_sums<kDirectVectors, N>([&](auto r, auto n) __attribute__((always_inline)) {
      acc[r][n] = acc[r][n] * c.next(r).float_word(0);
    });
  } else if constexpr (kIsSuper<Fm>) {
    dot_superblocks<Fm, N>(c, a, tokens, acc);
  } else {
    dot_blocks<Fm, N>(c, a, tokens, acc);
  }
  for_sums<kDirectVectors, N>([&](auto r, auto n) __attribute__((always_inline)) {
    store_out(a.out + tokens[n] * a.out_stride, row + r * kLanes, a.rows, acc[r][n]);
  });
}

// The sums of a superblock, integers and floats, need the more registers. Four tokens suffice where wider
// tiles gain least for the time they take to compile: floats, which are read slower than multiplied,
// grids and tables.
template <class Fm>
constexpr int widest_direct() {
  constexpr int kMost = kIsSuper<Fm> ? kDirectTokensOfSupers : kDirectTokens;
  constexpr bool kSlow = kIsFloat<Fm> && FloatSteps<Fm>::kColumns == 1;
  return (kSlow || kIsGrid<Fm> || kIsTable<Fm>)&&kMost > 4 ? 4 : kMost;
}
// There are tiles of 1 to 4, 6 and 8 tokens.
constexpr int compiled_width(int tokens) { return tokens <= 4 ? tokens : (tokens + 1) / 2 * 2; }

template <class Fm>
void multiply_directly(const MatmulArgs& a) {
  const std::byte* data = a.panels;
  for (int panel = a.panel_begin; panel < a.panel_end; ++panel, data += a.panel_bytes) {
    for (int part = 0; part < kParts; part += kDirectVectors) {
      const int row = panel * kPanelRows + part * kLanes;
      for_tiles<widest_direct<Fm>()>(a.tokens, [&](int t, auto n) {
        direct_tile<Fm, compiled_width(n)>({data, part}, a, row, {t, t + n - 1});
      });
    }
  }
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
