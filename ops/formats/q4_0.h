#pragma once
#include "ops/format_info.h"
#include "ops/half.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// 4 bits, symmetric: d * (q - 8). Byte j holds weight j in its low and weight j + 16 in its high nibble.
struct Q4_0 {
  struct Block {
    std::uint16_t d;
    std::uint8_t qs[16];
  };
  static constexpr Field fields[] = {{0, 2, 2}, {2, 16, 4}};
  static constexpr FormatInfo info{"Q4_0", 2, 32, sizeof(Block), Activation::q8_32, fields, 2};
  static constexpr bool kSigned = false;
  static constexpr int kMax = 15;
  static constexpr int kOffset = 8;
  static constexpr bool kHasMin = false;

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d);
    for (int j = 0; j < 16; ++j) {
      y[j] = float((b->qs[j] & 15) - 8) * d;
      y[j + 16] = float((b->qs[j] >> 4) - 8) * d;
    }
  }
  template <class C>
  static auto quads(const C& c, int g) {
    return (c.word(2 + 4 * (g & 3)) >> (g & 4)) & 0x0F0F0F0F;
  }
  template <class C>
  static auto scale(const C& c) {
    return c.half(0);
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
