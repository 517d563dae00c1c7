#pragma once
#include "ops/format_info.h"
#include "ops/formats/q5_0.h"
#include "ops/half.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// 5 bits with a minimum: d * q + m.
struct Q5_1 {
  struct Block {
    std::uint16_t d, m;
    std::uint8_t qh[4];
    std::uint8_t qs[16];
  };
  static constexpr Field fields[] = {{0, 4, 2}, {4, 20, 4}};
  static constexpr FormatInfo info{"Q5_1", 7, 32, sizeof(Block), Activation::q8_32, fields, 2};
  static constexpr bool kSigned = false;
  static constexpr int kMax = 31;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMin = true;

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d), m = f16_to_f32(b->m);
    for (int j = 0; j < 16; ++j) {
      const int low = (b->qs[j] & 15) | ((b->qh[j / 8] >> (j % 8)) & 1) << 4;
      const int high = (b->qs[j] >> 4) | ((b->qh[2 + j / 8] >> (j % 8)) & 1) << 4;
      y[j] = float(low) * d + m;
      y[j + 16] = float(high) * d + m;
    }
  }
  template <class C>
  static auto quads(const C& c, int g) {
    return ((c.word(8 + 4 * (g & 3)) >> (g & 4)) & 0x0F0F0F0F) | Q5_0::fifth_bits(c.word(4), g);
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
