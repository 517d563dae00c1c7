#pragma once
#include "ops/format_info.h"
#include "ops/half.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// 2 bits; per 16 weights a 4-bit scale and a 4-bit minimum: d * sc * q - dmin * m.
struct Q2_K {
  struct Block {
    std::uint8_t scales[16];  // low nibble scale, high nibble minimum
    std::uint8_t qs[64];      // bits 2j, 2j+1 of byte l: weight 128 n + 32 j + l of half n
    std::uint16_t d, dmin;
  };
  static constexpr Field fields[] = {{0, 80, 4}, {80, 4, 2}};
  static constexpr FormatInfo info{"Q2_K", 10, 256, sizeof(Block), Activation::q8_256, fields, 2};
  static constexpr bool kSigned = false;
  static constexpr int kMax = 3;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMin = true;
  static constexpr int kGroup = 16;

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d), dmin = f16_to_f32(b->dmin);
    for (int i = 0; i < 256; ++i) {
      const int sub = i / 32, sc = b->scales[i / 16];
      const int q = (b->qs[32 * (sub / 4) + i % 32] >> (2 * (sub % 4))) & 3;
      y[i] = d * float(sc & 15) * float(q) - dmin * float(sc >> 4);
    }
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    return (c.word(16 + 32 * (sub / 4) + 4 * g) >> (2 * (sub % 4))) & 0x03030303;
  }
  template <class C>
  static auto scale(const C& c, unsigned group) {
    return (c.word(group & ~3) >> (8 * (group % 4))) & 15;
  }
  template <class C>
  static auto minimum(const C& c, unsigned group) {
    return (c.word(group & ~3) >> (8 * (group % 4) + 4)) & 15;
  }
  template <class C>
  static auto d(const C& c) {
    return c.half(80);
  }
  template <class C>
  static auto dmin(const C& c) {
    return c.half(82);
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
