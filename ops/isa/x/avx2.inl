// AVX2 with FMA and F16C.
#pragma once

#include "ops/isa/x/avx2_lanes.inl"
#include "ops/isa/x/word_dot.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// Keeps gcc from reordering a sum of integers: it would compute all products first, which then do not
// fit the registers.
[[gnu::always_inline]] inline __m256i in_order(__m256i sum) {
  asm volatile("" : "+x"(sum));
  return sum;
}

inline I add_pair_products(I acc, I x, I y) {
  return I(in_order(_mm256_add_epi32(acc, _mm256_madd_epi16(x, y))));
}

using Bf16Products = NoBf16Products;

// Products are added in pairs to 16-bit halves, which saturates, and then to each other, which wraps: all
// is well while no pair of products saturates and the final sum fits. The scale is multiplied in when the
// halves are joined.
//
// Signed weights take four instructions for 32 products (sign, multiply, join, add): 61 GMAC/s on a Zen 3
// core, half of what unsigned ones reach with two. Tiles of 16-bit weights and activations (multiply and
// add, for 16) came to 62, with tiles of six tokens to 60: either way 2.4 vector instructions a cycle, not
// the ports of one of them, are the limit.
template <class Fm, int kQuads>
struct Dot {
  struct Weights {
    __m256i w, magnitude;
  };
  static constexpr int kOffset = Fm::kOffset;
  static constexpr int kMost = Fm::kSigned                        ? Fm::kMax
                               : Fm::kMax - kOffset > Fm::kOffset ? Fm::kMax - kOffset
                                                                  : Fm::kOffset;
  // Quads whose sum surely fits 16 bits: two products of each go to one half.
  static constexpr int kChain = 32767 / (2 * kMost * 127) < kQuads ? 32767 / (2 * kMost * 127) : kQuads;
  static_assert(kChain >= 1 && Fm::kMax <= 128);
  static_assert(kOffset == 0 || kChain == kQuads, "an offset is taken off the group as a whole");
  __m256i halves;

  static I staged(I w) { return w; }
  static Weights prepare(I stage) { return {stage, Fm::kSigned ? _mm256_abs_epi8(stage) : __m256i(stage)}; }
  static I scale(I s) { return twice(s); }
  static I offset(I halves) { return I(_mm256_mullo_epi16(halves, _mm256_set1_epi16(-kOffset))); }
  void start(I offset) { halves = offset; }
  // `g` counts the quads of the group and is a constant after unrolling.
  void add(const Weights& w, I a, int g, I scale, I& total) {
    const __m256i p = Fm::kSigned ? _mm256_maddubs_epi16(w.magnitude, _mm256_sign_epi8(a, w.w))
                                  : _mm256_maddubs_epi16(w.w, a);
    if (g > 0 && g % kChain == 0) finish(scale, total);
    halves = g % kChain == 0 && kOffset == 0 ? p : in_order(_mm256_add_epi16(halves, p));
  }
  void finish(I scale, I& total) { total = add_pair_products(total, I(halves), scale); }
  void finish(I& total) { finish(unit(), total); }
  static I unit() { return scale(I(1)); }
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
