#pragma once
#include "ops/formats/iq4_nl.h"
#include "ops/formats/iqk/tables.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

/// What IQ4_K and IQ5_K share: 16 scales of 6 bits, d * (sc - 32) * level.
struct SixBitScales : TableOf16 {
  static int scale_of(const std::uint8_t* low, const std::uint8_t* high, int group) {
    return (((low[group / 2] >> (4 * (group % 2))) & 15) | ((high[group / 4] >> (2 * (group % 4))) & 3)
                                                               << 4) -
           32;
  }
  template <class C>
  static auto scale(const C& c, unsigned group) {
    return (scale_nibble(c, 8, group) | (((c.word(4) >> (2 * group)) & 3) << 4)) - 32;
  }
};

// 4 bits into the table of IQ4_NL.
struct IQ4_K : SixBitScales {
  struct Block {
    std::uint16_t d;
    std::uint16_t extra;       // bit k: the levels of group k are 4 higher
    std::uint8_t scales_h[4];  // bits 2k, 2k+1: high bits of scale k
    std::uint8_t scales_l[8];  // nibble k: low bits of scale k
    std::uint8_t qs[128];      // per 32 weights 16 bytes as IQ4_NL
  };
  static constexpr Field fields[] = {{0, 4, 2}, {4, 140, 4}};
  static constexpr FormatInfo info{"IQ4_K", 139, 256, sizeof(Block), Activation::q8_256, fields, 2};

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d);
    for (int i = 0; i < 256; ++i) {
      const int l = i % 32, group = i / 16;
      const int q = (b->qs[16 * (i / 32) + l % 16] >> (4 * (l / 16))) & 15;
      const int level = kIq4Levels[q] + ((b->extra >> group) & 1) * kIq4kMove;
      y[i] = d * float(scale_of(b->scales_l, b->scales_h, group)) * float(level);
    }
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    return c.lookup(kIq4Levels, nibbles_of_16(c, 16 + 16 * sub, g)) +
           bytes_if(moved(c, sub, g), 0x01010101 * kIq4kMove);
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
