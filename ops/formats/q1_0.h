#pragma once
#include "ops/formats/grids/grids.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// One bit: d or -d. Bit j of byte i is weight 8 i + j.
struct Q1_0 {
  struct Block {
    std::uint16_t d;
    std::uint8_t qs[16];
  };
  static constexpr Field fields[] = {{0, 2, 2}, {2, 16, 4}};
  static constexpr FormatInfo info{"Q1_0", 41, 128, sizeof(Block), Activation::q8_32, fields, 2};
  static constexpr bool kSigned = false;
  static constexpr int kMax = 2;
  static constexpr int kOffset = 1;
  static constexpr bool kHasMin = false;

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d);
    for (int i = 0; i < 128; ++i) y[i] = b->qs[i / 8] >> (i % 8) & 1 ? d : -d;
  }
  template <class C>
  static auto quads(const C& c, unsigned run, int g) {
    return bits_to_bytes((c.word(2 + 4 * run) >> (4 * g)) & 15) << 1;
  }
  template <class C>
  static auto scale(const C& c, unsigned) {
    return c.half(0);
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
