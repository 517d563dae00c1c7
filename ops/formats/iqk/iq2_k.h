#pragma once
#include "ops/formats/iqk/tables.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

/// The levels, and the same 5 higher.
inline constexpr std::int8_t kIq2kLevels[16] = {-31, -13, 1, 17, -26, -8, 6, 22};

// 2 bits into a table of four levels; per 16 weights a 4-bit scale: d * (sc - 8) * level[q].
struct IQ2_K : TableOf16 {
  struct Block {
    std::uint16_t d;
    std::uint16_t extra;     // bit k: the levels of group k are moved
    std::uint8_t scales[8];  // nibble k: scale of group k
    std::uint8_t qs[64];     // bits 2j, 2j+1 of byte l: weight 128 n + 32 j + l of half n
  };
  static constexpr Field fields[] = {{0, 4, 2}, {4, 72, 4}};
  static constexpr FormatInfo info{"IQ2_K", 137, 256, sizeof(Block), Activation::q8_256, fields, 2};

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d);
    for (int i = 0; i < 256; ++i) {
      const int sub = i / 32, group = i / 16;
      const int sc = ((b->scales[group / 2] >> (4 * (group % 2))) & 15) - 8;
      const int q = (b->qs[32 * (sub / 4) + i % 32] >> (2 * (sub % 4))) & 3;
      y[i] = d * float(sc) * float(kIq2kLevels[q | ((b->extra >> group) & 1) << 2]);
    }
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    const auto q = (c.word(12 + 32 * (sub / 4) + 4 * unsigned(g)) >> (2 * (sub % 4))) & 0x03030303;
    return c.lookup(kIq2kLevels, q | bytes_if(moved(c, sub, g), 0x04040404));
  }
  template <class C>
  static auto scale(const C& c, unsigned group) {
    return scale_nibble(c, 4, group) - 8;
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
