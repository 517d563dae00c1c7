#pragma once
#include "ops/format_info.h"
#include "ops/half.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// Two bits: d * (q - 1). Bits 2j, 2j+1 of byte i are weight 4 i + j.
struct Q2_0 {
  struct Block {
    std::uint16_t d;
    std::uint8_t qs[16];
  };
  static constexpr Field fields[] = {{0, 2, 2}, {2, 16, 4}};
  static constexpr FormatInfo info{"Q2_0", 42, 64, sizeof(Block), Activation::q8_32, fields, 2};
  static constexpr bool kSigned = false;
  static constexpr int kMax = 3;
  static constexpr int kOffset = 1;
  static constexpr bool kHasMin = false;

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d);
    for (int i = 0; i < 64; ++i) y[i] = float((b->qs[i / 4] >> (2 * (i % 4)) & 3) - 1) * d;
  }
  template <class C>
  static auto quads(const C& c, unsigned run, int g) {
    const auto byte = (c.word(2 + 8 * run + unsigned(g & 4)) >> (8 * (g % 4))) & 255;
    const auto nibbles = (byte | (byte << 12)) & 0x000F000F;
    return (nibbles | (nibbles << 6)) & 0x03030303;
  }
  template <class C>
  static auto scale(const C& c, unsigned) {
    return c.half(0);
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
