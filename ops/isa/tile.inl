// What a tile computes, vectors of rows times tokens: the sums over a run of 32 weights, a group of a
// superblock, and their float ends. The weights come from functions, which unpack them on the way
// (matmul.inl) or read a stage (stage.inl). So a token's result does not depend on which tokens it is
// computed with: for each output the same integers are summed and the same floats added in the same order.
#pragma once

#include "ops/isa/floats.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// Formats fall into three kinds: floats, blocks of some runs of 32 with float scales per group, and
// superblocks of 256 with integer scales per group.
template <class Fm>
constexpr bool kIsFloat = is_float(Fm::info.activation);
template <class Fm>
constexpr bool kIsSuper = Fm::info.block_elements == 256;

// Superblocks whose weights are entries of grids are compiled apart, because that takes long.
template <class Fm>
constexpr bool kIsGrid = requires {
  Fm::kGrid;
};

// So are those whose weights are looked up in tables that are in no other format.
template <class Fm>
constexpr bool kIsTable = requires {
  Fm::kTable;
};

// In front of a panel's blocks: a float for each row, which multiplies its sums in the end.
template <class Fm>
constexpr std::ptrdiff_t kHeadBytes = std::ptrdiff_t{kPanelRows} * Fm::info.row_head;

template <class Fm>
constexpr int group_of() {
  if constexpr (requires { Fm::kGroup; }) return Fm::kGroup;
  return 32;
}
template <class Fm>
constexpr int kQuadsOf = group_of<Fm>() / 4;
template <class Fm>
using DotOf = Dot<Fm, kQuadsOf<Fm>>;
template <class Fm>
constexpr int kGroupsOfRun = 32 / group_of<Fm>();

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
inline F close_sum(F acc, I total, F d, F y) { return multiply_add(xsimd::to_float(total), d * y, acc); }
// Minima of a block: acc + m y sum.
inline F close_minimum(F acc, F m, const Column& x, int b) {
  return multiply_add(m, F(x.scale[b] * float(x.sums32[b])), acc);
}
// Minima of a superblock: acc - dmin y minima.
inline F close_minima(F acc, I minima, F dmin, F y) {
  return subtract_product(acc, xsimd::to_float(minima), dmin * y);
}

// f(r, n) for every vector of rows and token.
template <int R, int N, class Function>
[[gnu::always_inline]] inline void for_sums(const Function& f) {
  repeat<R * N>([&](auto i) __attribute__((always_inline)) {
    f(std::integral_constant<int, i / N>{}, std::integral_constant<int, i % N>{});
  });
}

// One group for each vector and token; total += scale * its sum. `group` counts those of x. quad(r, g) are
// weights of vector r as Dot has them staged, scale(r) as Dot wants it.
template <class Fm, int R, int N, class Quad, class Scale>
[[gnu::always_inline]] inline void add_group(const Column (&x)[N], int group, const Quad& quad,
                                             const Scale& scale_of, I (&total)[R][N]) {
  using D = DotOf<Fm>;
  D dot[R][N];
  I scale[R];
  const std::int8_t* q[N];
  repeat<R>([&](auto r) __attribute__((always_inline)) { scale[r] = scale_of(r); });
  repeat<N>([&](auto n) __attribute__((always_inline)) {
    q[n] = x[n].q + group * group_of<Fm>();
    const I offset = x[n].template offset<Fm>(group);
    repeat<R>([&](auto r) __attribute__((always_inline)) { dot[r][n].start(offset); });
  });
  repeat<kQuadsOf<Fm>>([&](auto g) __attribute__((always_inline)) {
    typename D::Weights w[R];
    repeat<R>([&](auto r) __attribute__((always_inline)) { w[r] = D::prepare(quad(r, g)); });
    repeat<N>([&](auto n) __attribute__((always_inline)) {
      const I a = broadcast_quad(q[n] + 4 * g);
      repeat<R>([&](auto r)
                    __attribute__((always_inline)) { dot[r][n].add(w[r], a, g, scale[r], total[r][n]); });
    });
  });
  for_sums<R, N>([&](auto r, auto n) __attribute__((always_inline)) {
    if constexpr (kIsSuper<Fm>) {
      dot[r][n].finish(scale[r], total[r][n]);
    } else {
      dot[r][n].finish(total[r][n]);
    }
  });
}

// A run of 32 weights of a block. scale(r, i) is that of group i of the run.
template <class Fm, int R, int N, class Quad, class Scale, class Minimum>
[[gnu::always_inline]] inline void add_run(const Column (&x)[N], int run, const Quad& quad,
                                           const Scale& scale, const Minimum& minimum, F (&acc)[R][N]) {
  repeat<kGroupsOfRun<Fm>>([&](auto i) __attribute__((always_inline)) {
    I total[R][N];
    for_sums<R, N>([&](auto r, auto n) __attribute__((always_inline)) { total[r][n] = I(0); });
    add_group<Fm>(
        x, run * kGroupsOfRun<Fm> + i,
        [&](auto r, auto g) __attribute__((always_inline)) { return quad(r, i * kQuadsOf<Fm> + g); },
        [](auto) { return DotOf<Fm>::unit(); }, total);
    for_sums<R, N>([&](auto r, auto n) __attribute__((always_inline)) {
      acc[r][n] = close_sum(acc[r][n], total[r][n], scale(r, i), F(x[n].scale[run]));
      if constexpr (Fm::kHasMin) acc[r][n] = close_minimum(acc[r][n], minimum(r), x[n], run);
    });
  });
}

// The minima of a superblock. word(r, i) is minima_word(), dmin(r) their float scale.
template <class Fm, int R, int N, class Word, class Dmin>
[[gnu::always_inline]] inline void add_minima(const Column (&x)[N], int superblock, const Word& word,
                                              const Dmin& dmin, F (&acc)[R][N]) {
  I sum[R][N];
  for_sums<R, N>([&](auto r, auto n) __attribute__((always_inline)) { sum[r][n] = I(0); });
  repeat<kMinimaWords<Fm>>([&](auto i) __attribute__((always_inline)) {
    I m[R];
    repeat<R>([&](auto r) __attribute__((always_inline)) { m[r] = word(r, i); });
    repeat<N>([&](auto n) __attribute__((always_inline)) {
      const I sums = minima_sums<Fm>(x[n], superblock, i);
      repeat<R>([&](auto r)
                    __attribute__((always_inline)) { sum[r][n] = add_pair_products(sum[r][n], m[r], sums); });
    });
  });
  for_sums<R, N>([&](auto r, auto n) __attribute__((always_inline)) {
    acc[r][n] = close_minima(acc[r][n], sum[r][n], dmin(r), F(x[n].scale[superblock]));
  });
}

// Weights of a block's run, and the scale of group i of the run.
template <class Fm>
inline I run_quad(const Cursor& c, unsigned run, int g) {
  if constexpr (requires { Fm::quads(c, run, g); }) {
    return DotOf<Fm>::staged(Fm::quads(c, run, g));
  } else {
    return DotOf<Fm>::staged(Fm::quads(c, g));
  }
}
template <class Fm>
inline F run_scale(const Cursor& c, unsigned run, int i) {
  if constexpr (requires { Fm::scale(c, run); }) {
    return Fm::scale(c, run * kGroupsOfRun<Fm> + unsigned(i));
  } else {
    return Fm::scale(c);
  }
}
template <class Fm>
inline F run_minimum(const Cursor& c) {
  if constexpr (Fm::kHasMin) return Fm::minimum(c);
  return F(0.0f);
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
