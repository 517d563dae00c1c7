#pragma once
#include "ops/format_info.h"
#include "ops/half.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

/// The 16 levels of IQ4_NL and IQ4_XS, denser near zero.
inline constexpr std::int8_t kIq4Levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                               1,    13,   25,  38,  53,  69,  89,  113};

// 4 bits into a table: d * level[q].
struct IQ4_NL {
  struct Block {
    std::uint16_t d;
    std::uint8_t qs[16];
  };
  static constexpr Field fields[] = {{0, 2, 2}, {2, 16, 4}};
  static constexpr FormatInfo info{"IQ4_NL", 20, 32, sizeof(Block), Activation::q8_32, fields, 2};
  static constexpr bool kSigned = true;
  static constexpr int kMax = 127;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMin = false;

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d);
    for (int j = 0; j < 16; ++j) {
      y[j] = d * float(kIq4Levels[b->qs[j] & 15]);
      y[j + 16] = d * float(kIq4Levels[b->qs[j] >> 4]);
    }
  }
  template <class C>
  static auto quads(const C& c, int g) {
    return c.lookup(kIq4Levels, (c.word(2 + 4 * (g & 3)) >> (g & 4)) & 0x0F0F0F0F);
  }
  template <class C>
  static auto scale(const C& c) {
    return c.half(0);
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
