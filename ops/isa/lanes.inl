// The small vocabulary every kernel is written on. One vector lane belongs to one row of a panel (or to one
// token of a key block); xsimd gives float arithmetic, and this file the few integer things it lacks, each
// once per instruction set. The only place with raw intrinsics.
#pragma once

#include <cstdint>
#include <cstring>
#include <xsimd/xsimd.hpp>

#include "ops/format.h"
#include "ops/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#else
#include <arm_neon.h>
#endif

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

using F = xsimd::batch<float>;
using I = xsimd::batch<std::int32_t>;
constexpr int kLanes = int(F::size);
constexpr int kParts = kPanelRows / kLanes;  // vectors per 16 rows

inline F load(const float* p) { return F::load_unaligned(p); }
inline I load_words(const void* p) { return I::load_unaligned(static_cast<const std::int32_t*>(p)); }

// kLanes half-precision floats.
inline F load_f16(const void* p) {
#if defined(__AVX512F__)
  return F(_mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i*>(p))));
#elif defined(__F16C__)
  return F(_mm256_cvtph_ps(_mm_loadu_si128(static_cast<const __m128i*>(p))));
#elif defined(__aarch64__)
  return F(vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(static_cast<const std::uint16_t*>(p)))));
#else
  std::uint16_t h[kLanes];
  std::memcpy(h, p, sizeof h);
  float f[kLanes];
  for (int i = 0; i < kLanes; ++i) f[i] = f16_to_f32(h[i]);
  return load(f);
#endif
}

// kLanes 16-bit words, zero-extended.
inline I load_shorts(const void* p) {
#if defined(__AVX512F__)
  return I(_mm512_cvtepu16_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(p))));
#elif defined(__AVX2__)
  return I(_mm256_cvtepu16_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p))));
#elif defined(__aarch64__)
  return I(vreinterpretq_s32_u32(vmovl_u16(vld1_u16(static_cast<const std::uint16_t*>(p)))));
#else
  return I(_mm_unpacklo_epi16(_mm_loadl_epi64(static_cast<const __m128i*>(p)), _mm_setzero_si128()));
#endif
}

// kLanes signed bytes, sign-extended.
inline I load_bytes(const void* p) {
#if defined(__AVX512F__)
  return I(_mm512_cvtepi8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p))));
#elif defined(__AVX2__)
  return I(_mm256_cvtepi8_epi32(_mm_loadl_epi64(static_cast<const __m128i*>(p))));
#else
  std::int8_t b[kLanes];
  std::memcpy(b, p, sizeof b);
  std::int32_t w[kLanes];
  for (int i = 0; i < kLanes; ++i) w[i] = b[i];
  return I::load_unaligned(w);
#endif
}

// Four bytes of activations in every lane.
inline I broadcast_quad(const std::int8_t* p) {
  std::int32_t w;
  std::memcpy(&w, p, 4);
  return I(w);
}

inline F as_float(I w) { return xsimd::bitwise_cast<F>(w); }

// table[byte] for each byte 0..15 of each lane.
inline I lookup16(const std::int8_t (&table)[16], I w) {
#if defined(__AVX512BW__)
  const __m128i t = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
  return I(_mm512_shuffle_epi8(_mm512_broadcast_i32x4(t), w));
#elif defined(__AVX2__)
  const __m128i t = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
  return I(_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(t), w));
#elif defined(__aarch64__)
  return I(vreinterpretq_s32_s8(vqtbl1q_s8(vld1q_s8(table), vreinterpretq_u8_s32(w))));
#else
  std::uint8_t b[16];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(b), w);
  for (auto& x : b) x = std::uint8_t(table[x & 15]);
  return I(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b)));
#endif
}

// One part (kLanes rows) of a panel block, as format headers read it: offsets are bytes of a row's block.
struct Cursor {
  const std::byte* block;
  int part;

  const std::byte* at(unsigned offset, int unit) const {
    return block + kPanelRows * offset + part * kLanes * unit;
  }
  I word(unsigned offset) const { return load_words(at(offset, 4)); }
  I short_word(unsigned offset) const { return load_shorts(at(offset, 2)); }
  I signed_byte(unsigned offset, unsigned k) const { return (word(offset) << (24 - 8 * k)) >> 24; }
  F half(unsigned offset) const { return load_f16(at(offset, 2)); }
  F bfloat(unsigned offset) const { return as_float(short_word(offset) << 16); }
  F float_word(unsigned offset) const { return as_float(word(offset)); }
  I lookup(const std::int8_t (&table)[16], I w) const { return lookup16(table, w); }
  F map_bytes(unsigned offset, float (*f)(std::uint8_t)) const {
    float y[kLanes];
    for (int i = 0; i < kLanes; ++i) y[i] = f(std::to_integer<std::uint8_t>(at(offset, 1)[i]));
    return load(y);
  }
};

// Exact sums of products of four weight bytes and four activation bytes per lane. Weights are unsigned,
// 0..kMax with kMax <= 127, or signed, -kMax .. kMax with kMax <= 128 (then kBias says what was added to make
// them unsigned and has to be taken off: kBias times the sum of the activations). Activations are -127..127.
template <bool kSigned, int kMax>
struct Dot {
  I acc;

#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
  static constexpr int kBias = kSigned ? 128 : 0;
  static I prepare(I w) { return kSigned ? w ^ I(std::int32_t(0x80808080)) : w; }
#if defined(__AVX512VNNI__)
  void add(I w, I a, int) { acc = I(_mm512_dpbusd_epi32(acc, w, a)); }
#else
  void add(I w, I a, int) { acc = I(_mm256_dpbusd_avx_epi32(acc, w, a)); }
#endif
  I sum() const { return acc; }

#elif defined(__AVX2__)
  static constexpr int kBias = 0;
  // Pairs of products are 16-bit sums here; so many of them can be added before one may leave 16 bits.
  static constexpr int kChain = 32767 / (kMax * 127 * 2);
  static_assert(kChain >= 1);
  __m256i pairs = _mm256_setzero_si256();

  struct Weights {
    __m256i w, magnitude;
  };
  static Weights prepare(I w) { return {w, kSigned ? _mm256_abs_epi8(w) : __m256i(w)}; }
  // `g` counts the products of one sum from 0; it is a constant after unrolling.
  void add(const Weights& w, I a, int g) {
    const __m256i p =
        kSigned ? _mm256_maddubs_epi16(w.magnitude, _mm256_sign_epi8(a, w.w)) : _mm256_maddubs_epi16(w.w, a);
    pairs = g % kChain == 0 ? p : _mm256_add_epi16(pairs, p);
    if (g % kChain == kChain - 1) flush();
  }
  void flush() {
    acc = I(_mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1))));
    pairs = _mm256_setzero_si256();
  }
  I sum() {
    if (kChain > 1) flush();
    return acc;
  }

#elif defined(__aarch64__)
  static constexpr int kBias = 0;
  static I prepare(I w) { return w; }
  void add(I w, I a, int) {
    const int8x16_t x = vreinterpretq_s8_s32(w), y = vreinterpretq_s8_s32(a);
#if defined(__ARM_FEATURE_DOTPROD)
    acc = I(vdotq_s32(acc, x, y));
#else
    const int16x8_t low = vmull_s8(vget_low_s8(x), vget_low_s8(y)), high = vmull_high_s8(x, y);
    acc = I(vpadalq_s16(acc, vpaddq_s16(low, high)));
#endif
  }
  I sum() const { return acc; }

#else
  static constexpr int kBias = 0;
  static I prepare(I w) { return w; }
  void add(I w, I a, int) {
    const __m128i zero = _mm_setzero_si128();
    const __m128i w_sign = kSigned ? _mm_cmpgt_epi8(zero, w) : zero, a_sign = _mm_cmpgt_epi8(zero, a);
    const __m128i low = _mm_madd_epi16(_mm_unpacklo_epi8(w, w_sign), _mm_unpacklo_epi8(a, a_sign));
    const __m128i high = _mm_madd_epi16(_mm_unpackhi_epi8(w, w_sign), _mm_unpackhi_epi8(a, a_sign));
    const __m128 l = _mm_castsi128_ps(low), h = _mm_castsi128_ps(high);
    acc = acc + I(_mm_castps_si128(_mm_shuffle_ps(l, h, 0x88))) +
          I(_mm_castps_si128(_mm_shuffle_ps(l, h, 0xDD)));
  }
  I sum() const { return acc; }
#endif
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
