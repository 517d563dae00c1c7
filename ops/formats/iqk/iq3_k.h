#pragma once
#include "ops/formats/iqk/tables.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

/// The levels, and the same 4 higher.
inline constexpr std::int8_t kIq3kLevels[16] = {-63, -40, -23, -10, 1, 13, 28, 47,
                                                -59, -36, -19, -6,  5, 17, 32, 51};

// 3 bits into a table of eight levels; per 16 weights a 4-bit scale with a sign: +-d * (2 sc + 1) * level[q].
struct IQ3_K : TableOf16 {
  struct Block {
    std::uint16_t d;
    std::uint16_t extra;       // bit k: the levels of group k are moved
    std::uint16_t scales_h;    // bit k: the scale of group k is negative
    std::uint8_t scales_l[8];  // nibble k: scale of group k
    std::uint8_t qs[64];       // two low bits as in IQ2_K
    std::uint8_t qh[32];       // bit s of byte l: high bit of weight 32 s + l
  };
  static constexpr Field fields[] = {{0, 6, 2}, {6, 104, 4}};
  static constexpr FormatInfo info{"IQ3_K", 138, 256, sizeof(Block), Activation::q8_256, fields, 2};

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d);
    for (int i = 0; i < 256; ++i) {
      const int sub = i / 32, group = i / 16;
      const int sc = 2 * ((b->scales_l[group / 2] >> (4 * (group % 2))) & 15) + 1;
      const int low = (b->qs[32 * (sub / 4) + i % 32] >> (2 * (sub % 4))) & 3;
      const int q = low | ((b->qh[i % 32] >> sub) & 1) << 2 | ((b->extra >> group) & 1) << 3;
      y[i] = d * float((b->scales_h >> group) & 1 ? -sc : sc) * float(kIq3kLevels[q]);
    }
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    const auto low = (c.word(14 + 32 * (sub / 4) + 4 * unsigned(g)) >> (2 * (sub % 4))) & 0x03030303;
    const auto high = (c.word(78 + 4 * unsigned(g)) >> sub) & 0x01010101;
    return c.lookup(kIq3kLevels, low | (high << 2) | bytes_if(moved(c, sub, g), 0x08080808));
  }
  template <class C>
  static auto scale(const C& c, unsigned group) {
    const auto negative = (c.short_word(4) >> group) & 1;
    const auto magnitude = (scale_nibble(c, 6, group) << 1) | 1;
    return (magnitude ^ bytes_if(negative, -1)) + negative;
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
