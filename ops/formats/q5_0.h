#pragma once
#include "ops/format_info.h"
#include "ops/half.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// 5 bits, symmetric: d * (q - 16). Bit j of qh is the fifth bit of weight j.
struct Q5_0 {
  struct Block {
    std::uint16_t d;
    std::uint8_t qh[4];
    std::uint8_t qs[16];
  };
  static constexpr Field fields[] = {{0, 2, 2}, {2, 20, 4}};
  static constexpr FormatInfo info{"Q5_0", 6, 32, sizeof(Block), Activation::q8_32, fields, 2};
  static constexpr bool kSigned = false;
  static constexpr int kMax = 31;
  static constexpr int kOffset = 16;
  static constexpr bool kHasMin = false;

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d);
    for (int j = 0; j < 16; ++j) {
      const int low = (b->qs[j] & 15) | ((b->qh[j / 8] >> (j % 8)) & 1) << 4;
      const int high = (b->qs[j] >> 4) | ((b->qh[2 + j / 8] >> (j % 8)) & 1) << 4;
      y[j] = float(low - 16) * d;
      y[j + 16] = float(high - 16) * d;
    }
  }
  template <class C>
  static auto quads(const C& c, int g) {
    return ((c.word(6 + 4 * (g & 3)) >> (g & 4)) & 0x0F0F0F0F) | fifth_bits(c.word(2), g);
  }
  template <class C>
  static auto scale(const C& c) {
    return c.half(0);
  }

  // Four neighbouring bits of the lane to bit 4 of its four bytes. Multiplying by 1 + 2^7 + 2^14 + 2^21 puts
  // a copy of the four bits at offsets 0, 7, 14 and 21, so that bit k of the copy at 7k lands on bit 8k.
  template <class W>
  static W fifth_bits(W high, int g) {
    return (((high >> (4 * g)) & 15) * 0x00204081 & 0x01010101) << 4;
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
