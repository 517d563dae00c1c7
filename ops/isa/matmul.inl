// out = W x for panels of 16 rows and a few tokens at a time: weights are unpacked once and used for every
// token of the tile. A token's result does not depend on the tile it is computed in: for each output the same
// integers are summed and the same floats added in the same order.
#pragma once

#include <type_traits>
#include <utility>

#include "ops/isa/lanes.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// Tokens per tile: accumulators, weights and broadcasts must fit 32 (AVX-512, NEON) or 16 vector registers.
constexpr int kTile = kLanes == 16 ? 8 : 4;

// f(0), f(1), ... f(n - 1) with constants. Loops that index an array of vectors must be unrolled before the
// compiler decides which arrays become registers, and its own unrolling comes after: four times slower,
// measured.
template <int n, class Function>
[[gnu::always_inline]] inline void repeat(const Function& f) {
  [&]<int... i>(std::integer_sequence<int, i...>) { (f(std::integral_constant<int, i>{}), ...); }
  (std::make_integer_sequence<int, n>{});
}

// Sums of one part (kLanes rows) of a panel for N tokens.
template <int N>
using Tile = F[N];

template <int N>
inline void store_tile(const Tile<N>& acc, const MatmulArgs& a, int row, int token) {
  repeat<N>([&](auto n) {
    float* out = a.out + (token + n) * a.out_stride + row;
    if (row + kLanes <= a.rows) {
      acc[n].store_unaligned(out);
    } else if (row < a.rows) {
      float y[kLanes];
      acc[n].store_unaligned(y);
      std::memcpy(out, y, sizeof(float) * std::size_t(a.rows - row));
    }
  });
}

// Weights that are floats: F32, F16, BF16. Two chains of sums, even and odd columns, hide half of the latency
// of the multiply-add.
template <class Fm, int N>
inline void dot_floats(Cursor c, const MatmulArgs& a, int token, Tile<N>& acc) {
  constexpr int kStride = kPanelRows * sizeof(typename Fm::Block);
  const float* x[N];
  repeat<N>([&](auto n) { x[n] = a.x.f32 + (token + n) * a.x.f32_stride; });
  Tile<N> odd;
  repeat<N>([&](auto n) { odd[n] = F(0.0f); });
  int k = 0;
  for (; k + 2 <= a.cols; k += 2) {
    const F w0 = Fm::value(c), w1 = Fm::value(Cursor{c.block + kStride, c.part});
    repeat<N>([&](auto n) {
      acc[n] = xsimd::fma(w0, F(x[n][k]), acc[n]);
      odd[n] = xsimd::fma(w1, F(x[n][k + 1]), odd[n]);
    });
    c.block += 2 * kStride;
  }
  if (k < a.cols) {
    const F w = Fm::value(c);
    repeat<N>([&](auto n) { acc[n] = xsimd::fma(w, F(x[n][k]), acc[n]); });
  }
  repeat<N>([&](auto n) { acc[n] += odd[n]; });
}

// Integer dot products of `kQuads` quads of weights from quads(g) with each token's bytes at `q[n] + offset`.
template <int kQuads, class D, int N, class Quads>
[[gnu::always_inline]] inline void dot_quads(D (&dot)[N], const std::int8_t* const (&q)[N], int offset,
                                             const Quads& quads) {
  repeat<kQuads>([&](auto g) {
    const auto w = D::prepare(quads(g));
    repeat<N>([&](auto n) { dot[n].add(w, broadcast_quad(q[n] + offset + 4 * g), g); });
  });
}

// Formats with one float scale (and minimum) per block of 32.
template <class Fm, int N>
inline void dot_blocks(Cursor c, const MatmulArgs& a, int token, Tile<N>& acc) {
  using D = Dot<Fm::kSigned, Fm::kMax>;
  const std::int8_t* q[N];
  const std::int32_t* sums[N];
  const float* scales[N];
  repeat<N>([&](auto n) {
    q[n] = a.x.q8 + (token + n) * a.x.q8_stride;
    sums[n] = a.x.sums + (token + n) * a.x.sums_stride;
    scales[n] = a.x.scale + (token + n) * a.x.scale_stride;
  });
  for (int b = 0; b < a.cols / 32; ++b) {
    D dot[N];
    repeat<N>(
        [&](auto n) { dot[n].acc = I(-(Fm::kOffset + D::kBias) * (sums[n][2 * b] + sums[n][2 * b + 1])); });
    dot_quads<8>(dot, q, 32 * b, [&](int g) { return Fm::quads(c, g); });
    const F d = Fm::scale(c);
    repeat<N>([&](auto n) {
      acc[n] = xsimd::fma(xsimd::to_float(dot[n].sum()), d * F(scales[n][b]), acc[n]);
      if constexpr (Fm::kHasMin) {
        const float sum = scales[n][b] * float(sums[n][2 * b] + sums[n][2 * b + 1]);
        acc[n] = xsimd::fma(Fm::minimum(c), F(sum), acc[n]);
      }
    });
    c.block += kPanelRows * sizeof(typename Fm::Block);
  }
}

// Formats with 256 weights per block and small integer scales per group inside it: the sums stay integers
// until the block ends. |sum| <= 63 * 127 * 31 * 256 < 2^31 for scales of 6 bits, 128 * 127 * 32 * 256 < 2^31
// for 8.
template <class Fm, int N>
inline void dot_superblocks(Cursor c, const MatmulArgs& a, int token, Tile<N>& acc) {
  using D = Dot<Fm::kSigned, Fm::kMax>;
  constexpr int kQuads = Fm::kGroup / 4, kPerSub = 32 / Fm::kGroup;  // groups per run of 32 weights
  const std::int8_t* q[N];
  const std::int32_t* sums[N];
  repeat<N>([&](auto n) {
    q[n] = a.x.q8 + (token + n) * a.x.q8_stride;
    sums[n] = a.x.sums + (token + n) * a.x.sums_stride;
  });
  for (int b = 0; b < a.cols / 256; ++b) {
    I total[N], minima[N];
    repeat<N>([&](auto n) { total[n] = minima[n] = I(0); });
    // Runs of 32 are unrolled by kUnroll: that makes the formats' shifts constants; all eight would only be
    // more code.
    constexpr int kUnroll = 4;
#pragma GCC unroll 1
    for (int run = 0; run < 8; run += kUnroll) {
      repeat<kUnroll * kPerSub>([&](auto i) {
        const unsigned sub = unsigned(run) + i / kPerSub, group = unsigned(run * kPerSub) + i;
        std::int32_t sum[N];
        D dot[N];
        repeat<N>([&](auto n) {
          const std::int32_t* s = sums[n] + 16 * b + int(group) * Fm::kGroup / 16;
          sum[n] = Fm::kGroup == 32 ? s[0] + s[1] : s[0];
          dot[n].acc = I(-(Fm::kOffset + D::kBias) * sum[n]);
        });
        dot_quads<kQuads>(dot, q, 256 * b + int(group) * Fm::kGroup,
                          [&](int g) { return Fm::quads(c, sub, i % kPerSub * kQuads + g); });
        const I scale = Fm::scale(c, group);
        repeat<N>([&](auto n) {
          total[n] += scale * dot[n].sum();
          if constexpr (Fm::kHasMin) minima[n] += Fm::minimum(c, group) * I(sum[n]);
        });
      });
    }
    const F d = Fm::d(c);
    repeat<N>([&](auto n) {
      const F y(a.x.scale[(token + n) * a.x.scale_stride + b]);
      acc[n] = xsimd::fma(xsimd::to_float(total[n]), d * y, acc[n]);
      if constexpr (Fm::kHasMin) acc[n] = xsimd::fnma(xsimd::to_float(minima[n]), Fm::dmin(c) * y, acc[n]);
    });
    c.block += kPanelRows * sizeof(typename Fm::Block);
  }
}

// Flattened: a lambda left out of line would keep its accumulators in memory.
template <class Fm, int N>
[[gnu::flatten, gnu::noinline]] void panel_tile(Cursor c, const MatmulArgs& a, int row, int token) {
  Tile<N> acc;
  repeat<N>([&](auto n) { acc[n] = F(0.0f); });
  if constexpr (Fm::info.activation == Activation::f32) {
    dot_floats<Fm, N>(c, a, token, acc);
  } else if constexpr (Fm::info.block_elements == 32) {
    dot_blocks<Fm, N>(c, a, token, acc);
  } else {
    dot_superblocks<Fm, N>(c, a, token, acc);
  }
  store_tile<N>(acc, a, row, token);
}

// The parts of a panel one after the other: the second finds the panel in the nearest cache, and with more
// parts at once the compiler keeps the broadcast activations of all of them in memory.
template <class Fm>
void matmul(const MatmulArgs& a) noexcept {
  const std::byte* data = a.panels;
  for (int panel = a.panel_begin; panel < a.panel_end; ++panel, data += a.panel_bytes) {
    for (int t = 0; t < a.tokens;) {
      const bool whole = t + kTile <= a.tokens;
      for (int part = 0; part < kParts; ++part) {
        const int row = panel * kPanelRows + part * kLanes;
        whole ? panel_tile<Fm, kTile>({data, part}, a, row, t) : panel_tile<Fm, 1>({data, part}, a, row, t);
      }
      t += whole ? kTile : 1;
    }
  }
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
