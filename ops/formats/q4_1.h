#pragma once
#include "ops/format_info.h"
#include "ops/half.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// 4 bits with a minimum: d * q + m.
struct Q4_1 {
  struct Block {
    std::uint16_t d, m;
    std::uint8_t qs[16];
  };
  static constexpr Field fields[] = {{0, 4, 2}, {4, 16, 4}};
  static constexpr FormatInfo info{"Q4_1", 3, 32, sizeof(Block), Activation::q8_32, fields, 2};
  static constexpr bool kSigned = false;
  static constexpr int kMax = 15;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMin = true;

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d), m = f16_to_f32(b->m);
    for (int j = 0; j < 16; ++j) {
      y[j] = float(b->qs[j] & 15) * d + m;
      y[j + 16] = float(b->qs[j] >> 4) * d + m;
    }
  }
  template <class C>
  static auto quads(const C& c, int g) {
    return (c.word(4 + 4 * (g & 3)) >> (g & 4)) & 0x0F0F0F0F;
  }
  template <class C>
  static auto scale(const C& c) {
    return c.half(0);
  }
  template <class C>
  static auto minimum(const C& c) {
    return c.half(2);
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
