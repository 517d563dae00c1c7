// Exact integer dot products of a group of weights with a group of activations, lane by lane, in the way each
// instruction set does them fastest. Weights come in quads: four neighbouring bytes of a row in each lane.
//
// A format states its weights' range: unsigned 0..kMax with kMax <= 127, of which kOffset is to be taken off,
// or signed -128..127 with kOffset 0. Activations are -127..127. The offset costs nothing per product: a sum
// starts at -kOffset times the sum of the group's activations. Those sums come in two halves (ActView::sums),
// because 16-bit lanes add products in two halves.
#pragma once

#include <utility>

#include "ops/isa/lanes.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// f(0), f(1), ... f(n - 1) with constants. Loops that index an array of vectors must be unrolled
// before the compiler decides which arrays become registers, and its own unrolling comes after: four
// times slower, measured.
template <int n, class Function>
[[gnu::always_inline]] inline void repeat(const Function& f) {
  [&]<int... i>(std::integer_sequence<int, i...>) __attribute__((always_inline)) {
    (f(std::integral_constant<int, i>{}), ...);
  }
  (std::make_integer_sequence<int, n>{});
}

// f(first, N) for `count` things in tiles of at most kMost, as alike in size as can be: where three are the
// most, four are two and two, because a tile of one costs nearly what one of two does.
template <int kMost, class Function>
inline void for_tiles(int count, const Function& f) {
  for (int first = 0; first < count;) {
    const int left = count - first, tiles = (left + kMost - 1) / kMost, wide = (left + tiles - 1) / tiles;
    repeat<kMost>([&](auto n) {
      if (wide == n + 1) f(first, std::integral_constant<int, n + 1>());
    });
    first += wide;
  }
}

#if defined(__AVX2__)
// Keeps gcc from reordering a sum of integers: it would compute all products first, which then do not
// fit the registers.
[[gnu::always_inline]] inline __m256i in_order(__m256i sum) {
  asm volatile("" : "+x"(sum));
  return sum;
}
#endif

// acc + the sum of two products of 16-bit halves, lane by lane.
inline I add_pair_products(I acc, I x, I y) {
#if defined(__AVX512VNNI__)
  return I(_mm512_dpwssd_epi32(acc, x, y));
#elif defined(__AVXVNNI__)
  return I(_mm256_dpwssd_avx_epi32(acc, x, y));
#elif defined(__AVX2__)
  return I(in_order(_mm256_add_epi32(acc, _mm256_madd_epi16(x, y))));
#elif defined(__aarch64__)
  return acc + ((x << 16) >> 16) * ((y << 16) >> 16) + (x >> 16) * (y >> 16);
#else
  return I(_mm_add_epi32(acc, _mm_madd_epi16(x, y)));
#endif
}

// Both 16-bit halves of every lane are the word, which must fit them.
inline I twice(I word) { return (word & 0xFFFF) | (word << 16); }

// Sum of two words of halves that stay within 16 bits.
inline I add_halves(I x, I y) {
#if defined(__AVX512BW__)
  return I(_mm512_add_epi16(x, y));
#elif defined(__AVX2__)
  return I(_mm256_add_epi16(x, y));
#elif defined(__aarch64__)
  return I(vreinterpretq_s32_s16(vaddq_s16(vreinterpretq_s16_s32(x), vreinterpretq_s16_s32(y))));
#else
  return I(_mm_add_epi16(x, y));
#endif
}

// The sum of one group: start(offset(...)), add() for each quad in turn, finish(). `Fm` is the format.
template <class Fm, int kQuads>
struct Dot {
#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
  // One instruction multiplies unsigned with signed bytes and adds four products to 32 bits. Signed weights
  // are made unsigned by adding 128.
  using Weights = I;
  static constexpr int kOffset = Fm::kSigned ? 128 : Fm::kOffset;
  I acc;

  static I staged(I w) { return Fm::kSigned ? w ^ I(std::int32_t(0x80808080)) : w; }
  static Weights prepare(I stage) { return stage; }
  static I scale(I s) { return s; }
  static I offset(I halves) { return add_pair_products(I(0), halves, twice(I(-kOffset))); }
  void start(I offset) { acc = offset; }
#if defined(__AVX512VNNI__)
  void add(Weights w, I a, int, I, I&) { acc = I(_mm512_dpbusd_epi32(acc, w, a)); }
#else
  void add(Weights w, I a, int, I, I&) { acc = I(_mm256_dpbusd_avx_epi32(acc, w, a)); }
#endif
  void finish(I scale, I& total) { total += scale * acc; }
  void finish(I& total) { total += acc; }

#elif defined(__AVX2__)
  // Products are added in pairs to 16-bit halves, which saturates, and then to each other, which wraps: all
  // is well while no pair of products saturates and the final sum fits. The scale is multiplied in when the
  // halves are joined.
  //
  // Signed weights take four instructions for 32 products (sign, multiply, join, add): 61 GMAC/s on a Zen 3
  // core, half of what unsigned ones reach with two. Tiles of 16-bit weights and activations (multiply and
  // add, for 16) came to 62, with tiles of six tokens to 60: either way 2.4 vector instructions a cycle, not
  // the ports of one of them, are the limit.
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

#elif defined(__aarch64__)
  using Weights = I;
  static constexpr int kOffset = Fm::kOffset;
  I acc;

  static I staged(I w) { return w; }
  static Weights prepare(I stage) { return stage; }
  static I scale(I s) { return s; }
  static I offset(I halves) { return add_pair_products(I(0), halves, twice(I(-kOffset))); }
  void start(I offset) { acc = offset; }
  void add(Weights w, I a, int, I, I&) {
    const int8x16_t x = vreinterpretq_s8_s32(w), y = vreinterpretq_s8_s32(a);
#if defined(__ARM_FEATURE_DOTPROD)
    acc = I(vdotq_s32(acc, x, y));
#else
    const int16x8_t low = vmull_s8(vget_low_s8(x), vget_low_s8(y)), high = vmull_high_s8(x, y);
    acc = I(vpadalq_s16(acc, vpaddq_s16(low, high)));
#endif
  }
  void finish(I scale, I& total) { total += scale * acc; }
  void finish(I& total) { total += acc; }

#else
  using Weights = I;
  static constexpr int kOffset = Fm::kOffset;
  I acc;

  static I staged(I w) { return w; }
  static Weights prepare(I stage) { return stage; }
  static I scale(I s) { return s; }
  static I offset(I halves) { return add_pair_products(I(0), halves, twice(I(-kOffset))); }
  void start(I offset) { acc = offset; }
  void add(Weights w, I a, int, I, I&) {
    const __m128i zero = _mm_setzero_si128();
    const __m128i w_sign = Fm::kSigned ? _mm_cmpgt_epi8(zero, w) : zero, a_sign = _mm_cmpgt_epi8(zero, a);
    const __m128i low = _mm_madd_epi16(_mm_unpacklo_epi8(w, w_sign), _mm_unpacklo_epi8(a, a_sign));
    const __m128i high = _mm_madd_epi16(_mm_unpackhi_epi8(w, w_sign), _mm_unpackhi_epi8(a, a_sign));
    const __m128 l = _mm_castsi128_ps(low), h = _mm_castsi128_ps(high);
    acc = acc + I(_mm_castps_si128(_mm_shuffle_ps(l, h, 0x88))) +
          I(_mm_castps_si128(_mm_shuffle_ps(l, h, 0xDD)));
  }
  void finish(I scale, I& total) { total += scale * acc; }
  void finish(I& total) { total += acc; }
#endif

  static constexpr bool kHasOffset = kOffset != 0;
  // The scale of groups that have none.
  static I unit() { return scale(I(1)); }
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
