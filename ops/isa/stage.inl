// Matrix products for many tokens: a strip of rows is unpacked into a stage, some columns at a time, and
// every tile of tokens is multiplied with it (the strips follow in strips.inl). The stage stays in the
// nearest cache, so unpacking and reading the weights cost as much for one token as for five hundred.
#pragma once

#include "ops/isa/matmul.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// A tile is kTileVectors vectors of rows times kTileTokens tokens (x/). Its sums, the weights and one
// broadcast should fit the vector registers: 32 with AVX-512 and on ARM, else 16. Two vectors at least,
// because the broadcast of an activation is a load, which then serves all of them. Floats need no register
// for products: 12 sums, 2 vectors of weights and a broadcast are 15.
constexpr int kStripRows = kTileVectors * kLanes > kPanelRows ? kTileVectors* kLanes : kPanelRows;
constexpr int kStripVectors = kStripRows / kLanes;
// Columns of bytes in 16 KiB: a first-level cache has 32 KiB at least, and scales and activations need some.
constexpr int kStageCols = 16384 / kStripRows;
// All panels are multiplied with this many tokens before the next (StripOrder, strips.inl): the activations a
// stage is multiplied with then come from the second cache level for all panels but the first.
// Measured with floats on AVX2, 512 tokens: each panel with all tokens 0.58 to 0.68 of what the multiply-adds
// alone would take, blocks of 96 tokens 0.86 to 0.88, of 192 0.81 to 0.87 (the second level has 512 KiB).
// Below 96, filling the stage takes more than 4 % of the time. Copying activations next to each other lost a
// tenth, asking for the next tile's ahead a fifth.
constexpr int kTokenBlock = 96;
static_assert(kTokenBlock % kTileTokens == 0 && kTokenBlock % kFloatTokens == 0);

template <class T, int n>
using Rows = T[n][kStripVectors][kLanes];  // n values of each row of the strip

inline I stage_word(const std::int32_t* p) { return I::load_aligned(p); }
inline F stage_float(const float* p) { return F::load_aligned(p); }

// One tile: its tokens, and where their sums go.
struct TileArgs {
  const ActView& x;
  int col, cols;    // of the stage
  int vector;       // first vector of the strip
  int first, last;  // token
  float* out;       // first row of token 0
  std::int64_t stride;

  // A tile with fewer tokens than its stage multiplies at once computes the last one several times.
  int token(int n) const { return first + n < last ? first + n : last; }

  // The sums so far.
  template <int R, int N>
  [[gnu::always_inline]] void begin(F (&acc)[R][N]) const {
    repeat<N>([&](auto n) {
      const float* sums = out + token(n) * stride;
      repeat<R>([&](auto r) { acc[r][n] = col == 0 ? F(0.0f) : load(sums + r * kLanes); });
    });
  }
  template <int R, int N>
  [[gnu::always_inline]] void end(const F (&acc)[R][N]) const {
    repeat<N>([&](auto n) {
      float* sums = out + token(n) * stride;
      repeat<R>([&](auto r) { acc[r][n].store_unaligned(sums + r * kLanes); });
    });
  }
};

template <class Fm>
struct FloatStage {
  using Steps = FloatSteps<Fm>;
  static constexpr int kCols = kFloatBlock, kTokens = kFloatTokens;
  static constexpr bool kAnyTokens = true;
  alignas(64) typename Steps::Weights weight[kCols / Steps::kColumns][kStripVectors];

  void fill(int v, Cursor c, int cols) {
    for (int k = 0; k < cols; k += Steps::kColumns) {
      weight[k / Steps::kColumns][v] = Steps::weights(c, cols - k);
      c.block += Steps::kColumns * kPanelRows * sizeof(typename Fm::Block);
    }
  }
  template <int R, int N>
  [[gnu::flatten, gnu::noinline]] void multiply(const TileArgs& t) const {
    F sum[R][N];
    typename Steps::Input x[N];
    repeat<N>([&](auto n) { x[n] = Steps::input(t.x, t.first + n, t.col); });
    repeat<R * N>([&](auto i) { sum[i / N][i % N] = F(0.0f); });
    const int steps = (t.cols + Steps::kColumns - 1) / Steps::kColumns;
    for (int k = 0; k < steps; ++k) {
      typename Steps::Weights w[R];
      repeat<R>([&](auto r) { w[r] = weight[k][t.vector + r]; });
      repeat<N>([&](auto n) {
        const auto y = Steps::at(x[n] + k * Steps::kColumns);
        repeat<R>([&](auto r) { sum[r][n] = Steps::add(sum[r][n], w[r], y); });
      });
    }
    float* out = t.out + t.first * t.stride;
    repeat<N>([&](auto n) {
      repeat<R>([&](auto r) {
        float* at = out + r * kLanes;
        const F before = t.col == 0 ? F(0.0f) : load(at);
        (before + sum[r][n]).store_unaligned(at);
      });
      out += t.stride;
    });
  }
};

template <class Fm>
struct BlockStage {
  static constexpr int kCols = kStageCols, kTokens = kTileTokens, kRuns = kCols / 32;
  static constexpr int kRunsOfBlock = Fm::info.block_elements / 32;
  static constexpr bool kAnyTokens = false;
  alignas(64) Rows<std::int32_t, 8> quads[kRuns];
  alignas(64) Rows<float, kGroupsOfRun<Fm>> d[kRuns];
  alignas(64) Rows<float, Fm::kHasMin ? kRuns : 1> minimum;

  void fill(int v, Cursor c, int cols) {
    for (int b = 0; b < cols / 32; b += kRunsOfBlock, c.block += kPanelRows * sizeof(typename Fm::Block)) {
      for (int run = 0; run < kRunsOfBlock; ++run) {
        repeat<8>([&](auto g) { run_quad<Fm>(c, unsigned(run), g).store_aligned(quads[b + run][g][v]); });
        repeat<kGroupsOfRun<Fm>>(
            [&](auto i) { run_scale<Fm>(c, unsigned(run), i).store_aligned(d[b + run][i][v]); });
      }
      if constexpr (Fm::kHasMin) run_minimum<Fm>(c).store_aligned(minimum[b][v]);
    }
  }
  template <int R, int N>
  [[gnu::flatten, gnu::noinline]] void multiply(const TileArgs& t) const {
    F acc[R][N];
    t.begin(acc);
    Column x[N];
    repeat<N>([&](auto n) { x[n] = Column(t.x, t.token(n), t.col, 32); });
    for (int run = 0; run < t.cols / 32; ++run) {
      add_run<Fm>(
          x, run, [&](auto r, int g) { return stage_word(quads[run][g][t.vector + r]); },
          [&](auto r, int i) { return stage_float(d[run][i][t.vector + r]); },
          [&](auto r) { return stage_float(minimum[Fm::kHasMin ? run : 0][t.vector + r]); }, acc);
    }
    t.end(acc);
  }
};

template <class Fm>
struct SuperStage {
  using D = DotOf<Fm>;
  static constexpr int kCols = kStageCols, kTokens = kTileTokens, kSupers = kCols / 256;
  static constexpr bool kAnyTokens = false;
  static constexpr int kGroups = 256 / Fm::kGroup;
  static constexpr int minima_words() {
    if constexpr (Fm::kHasMin) return kMinimaWords<Fm>;
    return 0;
  }
  struct Super {
    Rows<std::int32_t, 1> quads[64];
    Rows<std::int32_t, kGroups> scale;  // as Dot wants them
    Rows<std::int32_t, minima_words() + 1> minima;
    Rows<float, 1> d, dmin;
  };
  alignas(64) Super supers[kSupers];

  void fill(int v, Cursor c, int cols) {
    for (int b = 0; b < cols / 256; ++b, c.block += kPanelRows * sizeof(typename Fm::Block)) {
      Super& s = supers[b];
      repeat<8>([&](auto run) {
        repeat<8>([&](auto g) {
          D::staged(Fm::quads(c, unsigned(run), g)).store_aligned(s.quads[8 * run + g][0][v]);
        });
      });
      for (unsigned g = 0; g < kGroups; ++g) D::scale(Fm::scale(c, g)).store_aligned(s.scale[g][v]);
      Fm::d(c).store_aligned(s.d[0][v]);
      if constexpr (Fm::kHasMin) {
        for (unsigned i = 0; i < minima_words(); ++i) minima_word<Fm>(c, i).store_aligned(s.minima[i][v]);
        Fm::dmin(c).store_aligned(s.dmin[0][v]);
      }
    }
  }
  template <int R, int N>
  [[gnu::flatten, gnu::noinline]] void multiply(const TileArgs& t) const {
    F acc[R][N];
    t.begin(acc);
    Column x[N];
    repeat<N>([&](auto n) { x[n] = Column(t.x, t.token(n), t.col, 256); });
    for (int b = 0; b < t.cols / 256; ++b) {
      const Super& s = supers[b];
      I total[R][N];
      repeat<R * N>([&](auto i) { total[i / N][i % N] = I(0); });
#pragma GCC unroll 1
      for (int group = 0; group < kGroups; ++group) {
        add_group<Fm>(
            x, kGroups * b + group,
            [&](auto r, int g) { return stage_word(s.quads[kQuadsOf<Fm> * group + g][0][t.vector + r]); },
            [&](auto r) { return stage_word(s.scale[group][t.vector + r]); }, total);
      }
      for_sums<R, N>([&](auto r, auto n) {
        acc[r][n] = close_sum(acc[r][n], total[r][n], stage_float(s.d[0][t.vector + r]), F(x[n].scale[b]));
      });
      if constexpr (Fm::kHasMin) {
        add_minima<Fm>(
            x, b, [&](auto r, auto i) { return stage_word(s.minima[i][t.vector + r]); },
            [&](auto r) { return stage_float(s.dmin[0][t.vector + r]); }, acc);
      }
    }
    t.end(acc);
  }
};

template <class Fm>
auto stage_of() {
  if constexpr (kIsFloat<Fm>) {
    return std::type_identity<FloatStage<Fm>>();
  } else if constexpr (kIsSuper<Fm>) {
    return std::type_identity<SuperStage<Fm>>();
  } else {
    return std::type_identity<BlockStage<Fm>>();
  }
}

// kAnyTokens: a stage has code for each number of tokens, not only for kTokens. That is small for floats.
template <class Stage>
void multiply_tile(const Stage& stage, const TileArgs& t) {
  constexpr int kMost = Stage::kTokens;
  if constexpr (Stage::kAnyTokens) {
    const int tokens = t.last - t.first + 1;
    repeat<kMost - 1>([&](auto n) {
      if (tokens == n + 1) stage.template multiply<kTileVectors, n + 1>(t);
    });
    if (tokens < kMost) return;
  }
  stage.template multiply<kTileVectors, kMost>(t);
}

template <class Stage>
void staged_tile(const Stage& stage, const TileArgs& t) {
  // Sums of hundreds of tokens leave the nearest cache until their next stage.
  constexpr int kNext = Stage::kTokens;
  repeat<kNext>([&](auto n) { __builtin_prefetch(t.out + t.token(kNext + n) * t.stride, 1); });
  multiply_tile(stage, t);
}

// A tile whose rows do not all exist works on a copy of the sums.
template <class Stage>
void partial_tile(const Stage& stage, TileArgs t, int rows) {
  float sums[Stage::kTokens][kTileVectors * kLanes] = {};
  const int tokens = t.last - t.first + 1 < Stage::kTokens ? t.last - t.first + 1 : Stage::kTokens;
  float* const out = t.out + t.first * t.stride;
  const std::size_t bytes = sizeof(float) * std::size_t(rows);
  for (int n = 0; n < tokens; ++n) std::memcpy(sums[n], out + n * t.stride, bytes);
  const std::int64_t stride = t.stride;
  t.stride = kTileVectors * kLanes;
  t.out = sums[0] - t.first * t.stride;
  t.last = t.first + tokens - 1;
  multiply_tile(stage, t);
  for (int n = 0; n < tokens; ++n) std::memcpy(out + n * stride, sums[n], bytes);
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
