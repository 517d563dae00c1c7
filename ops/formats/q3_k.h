#pragma once
#include "ops/format_info.h"
#include "ops/half.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// 3 bits; per 16 weights a 6-bit scale: d * (sc - 32) * (q - 4), q = two low bits + 4 x high bit.
struct Q3_K {
  struct Block {
    std::uint8_t hmask[32];   // bit s of byte l: high bit of weight 32 s + l
    std::uint8_t qs[64];      // low bits as in Q2_K
    std::uint8_t scales[12];  // 16 scales: low nibbles in bytes 0..7, high pairs of bits in bytes 8..11
    std::uint16_t d;
  };
  static constexpr Field fields[] = {{0, 108, 4}, {108, 2, 2}};
  static constexpr FormatInfo info{"Q3_K", 11, 256, sizeof(Block), Activation::q8_256, fields, 2};
  static constexpr bool kSigned = false;
  static constexpr int kMax = 7;
  static constexpr int kOffset = 4;
  static constexpr bool kHasMin = false;
  static constexpr int kGroup = 16;

  static int scale_of(const Block* b, int k) {
    const int low = k < 8 ? b->scales[k] & 15 : b->scales[k - 8] >> 4;
    return (low | ((b->scales[8 + k % 4] >> (2 * (k / 4))) & 3) << 4) - 32;
  }
  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d);
    for (int i = 0; i < 256; ++i) {
      const int sub = i / 32, l = i % 32;
      const int q = ((b->qs[32 * (sub / 4) + l] >> (2 * (sub % 4))) & 3) - ((b->hmask[l] >> sub) & 1 ? 0 : 4);
      y[i] = d * float(scale_of(b, i / 16)) * float(q);
    }
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    return ((c.word(32 + 32 * (sub / 4) + 4 * g) >> (2 * (sub % 4))) & 0x03030303) |
           (((c.word(4 * g) >> sub) & 0x01010101) << 2);
  }
  // Scales 4i .. 4i + 3 stand in the four bytes of one lane word.
  template <class C>
  static auto scale(const C& c, unsigned group) {
    const unsigned i = group / 4, byte = 8 * (group % 4);
    const auto low = c.word(96 + 4 * (i & 1)) >> (4 * (i >> 1) + byte);
    const auto high = c.word(104) >> (2 * i + byte);
    return ((low & 15) | ((high & 3) << 4)) - 32;
  }
  template <class C>
  static auto d(const C& c) {
    return c.half(108);
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
