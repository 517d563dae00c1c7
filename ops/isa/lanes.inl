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
using Halves = xsimd::batch<std::int16_t>;
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

// kLanes bfloat16, which are the upper halves of floats.
inline F load_bf16(const void* p) { return as_float(load_shorts(p) << 16); }

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

  Cursor next(int parts) const { return {block, part + parts}; }
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
  // 2^(e - 128) for bytes e; those for 0 and 1 are subnormal.
  F power_of_two(unsigned offset) const {
    const I e = load_bytes(at(offset, 1)) & 0xFF;
    return as_float(xsimd::select(e < I(2), (e + 1) << 21, (e - 1) << 23));
  }
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
