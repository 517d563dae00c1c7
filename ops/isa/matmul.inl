// out = W x for panels of 16 rows and a few tokens at a time: weights are unpacked once and used for every
// token of the tile. A token's result does not depend on the tile it is computed in: for each output the same
// integers are summed and the same floats added in the same order.
#pragma once

#include "ops/isa/lanes.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// Tokens per tile: accumulators, weights and broadcasts must fit 32 (AVX-512, NEON) or 16 vector registers.
constexpr int kTile = kLanes == 16 ? 8 : 4;

template <int N>
using Tile = F[kParts][N];

template <int N>
inline void store_tile(const Tile<N>& acc, const MatmulArgs& a, int panel, int token) {
  const int row = panel * kPanelRows;
  for (int n = 0; n < N; ++n) {
    float* out = a.out + (token + n) * a.out_stride + row;
    if (row + kPanelRows <= a.rows) {
      for (int p = 0; p < kParts; ++p) acc[p][n].store_unaligned(out + p * kLanes);
    } else {
      float y[kPanelRows];
      for (int p = 0; p < kParts; ++p) acc[p][n].store_unaligned(y + p * kLanes);
      std::memcpy(out, y, sizeof(float) * std::size_t(a.rows - row));
    }
  }
}

// Weights that are floats: F32, F16, BF16.
template <class Fm, int N>
inline void dot_floats(const std::byte* panel, const MatmulArgs& a, int token, Tile<N>& acc) {
  const float* x[N];
  for (int n = 0; n < N; ++n) x[n] = a.x.f32 + (token + n) * a.x.f32_stride;
  for (int k = 0; k < a.cols; ++k) {
    for (int p = 0; p < kParts; ++p) {
      const F w = Fm::value(Cursor{panel, p});
      for (int n = 0; n < N; ++n) acc[p][n] = xsimd::fma(w, F(x[n][k]), acc[p][n]);
    }
    panel += kPanelRows * sizeof(typename Fm::Block);
  }
}

// Integer dot products of `kQuads` quads of weights from quads(g) with each token's bytes at `q[n] + offset`.
template <bool kSigned, int kMax, int kQuads, int N, class Quads>
inline void dot_quads(Dot<kSigned, kMax> (&dot)[N], const std::int8_t* const (&q)[N], int offset,
                      const Quads& quads) {
#pragma GCC unroll 8
  for (int g = 0; g < kQuads; ++g) {
    const auto w = Dot<kSigned, kMax>::prepare(quads(g));
    for (int n = 0; n < N; ++n) dot[n].add(w, broadcast_quad(q[n] + offset + 4 * g), g);
  }
}

// Formats with one float scale (and minimum) per block of 32.
template <class Fm, int N>
inline void dot_blocks(const std::byte* panel, const MatmulArgs& a, int token, Tile<N>& acc) {
  using D = Dot<Fm::kSigned, Fm::kMax>;
  const std::int8_t* q[N];
  for (int n = 0; n < N; ++n) q[n] = a.x.q8 + (token + n) * a.x.q8_stride;
  for (int b = 0; b < a.cols / 32; ++b) {
    std::int32_t sum[N];
    float scale[N];
    for (int n = 0; n < N; ++n) {
      const std::int32_t* s = a.x.sums + (token + n) * a.x.sums_stride + 2 * b;
      sum[n] = s[0] + s[1];
      scale[n] = a.x.scale[(token + n) * a.x.scale_stride + b];
    }
#pragma GCC unroll 4
    for (int p = 0; p < kParts; ++p) {
      const Cursor c{panel, p};
      D dot[N];
      for (int n = 0; n < N; ++n) dot[n].acc = I(-(Fm::kOffset + D::kBias) * sum[n]);
      dot_quads<Fm::kSigned, Fm::kMax, 8>(dot, q, 32 * b, [&](int g) { return Fm::quads(c, g); });
      const F d = Fm::scale(c);
      for (int n = 0; n < N; ++n) {
        acc[p][n] = xsimd::fma(xsimd::to_float(dot[n].sum()), d * F(scale[n]), acc[p][n]);
        if constexpr (Fm::kHasMin)
          acc[p][n] = xsimd::fma(Fm::minimum(c), F(scale[n] * float(sum[n])), acc[p][n]);
      }
    }
    panel += kPanelRows * sizeof(typename Fm::Block);
  }
}

// Formats with 256 weights per block and small integer scales per group inside it: the sums stay integers
// until the block ends. |sum| <= 63 * 127 * 31 * 256 < 2^31 for scales of 6 bits, 127 * 127 * 32 * 256 < 2^31
// for 8.
template <class Fm, int N>
inline void dot_superblocks(const std::byte* panel, const MatmulArgs& a, int token, Tile<N>& acc) {
  using D = Dot<Fm::kSigned, Fm::kMax>;
  constexpr unsigned kGroups = 256 / Fm::kGroup;
  constexpr int kQuads = Fm::kGroup / 4;
  const std::int8_t* q[N];
  const std::int32_t* sums[N];
  for (int n = 0; n < N; ++n) {
    q[n] = a.x.q8 + (token + n) * a.x.q8_stride;
    sums[n] = a.x.sums + (token + n) * a.x.sums_stride;
  }
  for (int b = 0; b < a.cols / 256; ++b) {
#pragma GCC unroll 1
    for (int p = 0; p < kParts; ++p) {
      const Cursor c{panel, p};
      I total[N], minima[N];
      for (int n = 0; n < N; ++n) total[n] = minima[n] = I(0);
        // Two halves: unrolling all groups doubles compile time and code for no speed; half a block is what
        // makes the formats' shifts constants.
#pragma GCC unroll 1
      for (unsigned half = 0; half < 2; ++half) {
#pragma GCC unroll 8
        for (unsigned part = 0; part < kGroups / 2; ++part) {
          const unsigned group = half * (kGroups / 2) + part;
          std::int32_t sum[N];
          for (int n = 0; n < N; ++n) {
            const std::int32_t* s = sums[n] + 16 * b + int(group) * Fm::kGroup / 16;
            sum[n] = Fm::kGroup == 32 ? s[0] + s[1] : s[0];
          }
          D dot[N];
          for (int n = 0; n < N; ++n) dot[n].acc = I(-(Fm::kOffset + D::kBias) * sum[n]);
          constexpr unsigned kPerSub = 32 / Fm::kGroup;  // groups of one run of 32 weights
          dot_quads<Fm::kSigned, Fm::kMax, kQuads>(dot, q, 256 * b + int(group) * Fm::kGroup, [&](int g) {
            return Fm::quads(c, group / kPerSub, int(group % kPerSub) * kQuads + g);
          });
          const I scale = Fm::scale(c, group);
          for (int n = 0; n < N; ++n) {
            total[n] += scale * dot[n].sum();
            if constexpr (Fm::kHasMin) minima[n] += Fm::minimum(c, group) * I(sum[n]);
          }
        }
      }
      const F d = Fm::d(c);
      for (int n = 0; n < N; ++n) {
        const F y(a.x.scale[(token + n) * a.x.scale_stride + b]);
        acc[p][n] = xsimd::fma(xsimd::to_float(total[n]), d * y, acc[p][n]);
        if constexpr (Fm::kHasMin)
          acc[p][n] = xsimd::fnma(xsimd::to_float(minima[n]), Fm::dmin(c) * y, acc[p][n]);
      }
    }
    panel += kPanelRows * sizeof(typename Fm::Block);
  }
}

template <class Fm, int N>
void panel_tile(const std::byte* data, const MatmulArgs& a, int panel, int token) {
  Tile<N> acc;
  for (auto& part : acc) {
    for (F& x : part) x = F(0.0f);
  }
  if constexpr (Fm::info.activation == Activation::f32) {
    dot_floats<Fm, N>(data, a, token, acc);
  } else if constexpr (Fm::info.block_elements == 32) {
    dot_blocks<Fm, N>(data, a, token, acc);
  } else {
    dot_superblocks<Fm, N>(data, a, token, acc);
  }
  store_tile<N>(acc, a, panel, token);
}

template <class Fm>
void matmul(const MatmulArgs& a) noexcept {
  const std::byte* data = a.panels;
  for (int panel = a.panel_begin; panel < a.panel_end; ++panel, data += a.panel_bytes) {
    int t = 0;
    for (; t + kTile <= a.tokens; t += kTile) panel_tile<Fm, kTile>(data, a, panel, t);
    for (; t < a.tokens; ++t) panel_tile<Fm, 1>(data, a, panel, t);
  }
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
