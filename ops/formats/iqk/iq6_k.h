#pragma once
#include "ops/formats/iqk/tables.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

/// The 64 levels of IQ6_K, 16 a row: a cubic of the code, -127 + 6.2568 q - 0.11218 q^2 + 0.0011972 q^3,
/// rounded.
inline constexpr std::int8_t kIq6kLevels[4][16] = {
    {-127, -121, -115, -109, -104, -98, -93, -88, -84, -79, -74, -70, -66, -62, -58, -54},
    {-51, -47, -44, -40, -37, -34, -31, -28, -25, -22, -19, -16, -13, -11, -8, -5},
    {-2, 0, 3, 6, 9, 12, 14, 17, 20, 23, 27, 30, 33, 36, 40, 44},
    {47, 51, 55, 59, 63, 68, 72, 77, 82, 87, 92, 98, 103, 109, 115, 121}};

// 6 bits into a table of 64 levels; per 16 weights an 8-bit scale: d * sc * level[q].
struct IQ6_K : TableOf16 {
  struct Block {
    std::uint16_t d;
    std::uint16_t extra;  // bit k: the levels of group k are 1 higher
    std::int8_t scales[16];
    std::uint8_t qs[128];  // as in IQ5_K
    std::uint8_t qh[64];   // per 128 weights 32 bytes: bits 2j, 2j+1 of byte l: high bits of weight 32 j + l
  };
  static constexpr Field fields[] = {{0, 4, 2}, {4, 208, 4}};
  static constexpr FormatInfo info{"IQ6_K", 141, 256, sizeof(Block), Activation::q8_256, fields, 2};

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d);
    for (int i = 0; i < 256; ++i) {
      const int sub = i / 32, l = i % 32, group = i / 16;
      const int low = (b->qs[32 * (sub / 2) + l] >> (4 * (sub % 2))) & 15;
      const int high = (b->qh[32 * (sub / 4) + l] >> (2 * (sub % 4))) & 3;
      const int level = kIq6kLevels[high][low] + ((b->extra >> group) & 1);
      y[i] = d * float(b->scales[group]) * float(level);
    }
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    const auto low = nibbles_of_32(c, 20, sub, g);
    const auto high = c.word(148 + 32 * (sub / 4) + 4 * unsigned(g)) >> (2 * (sub % 4));
    const auto bit4 = high & 0x01010101, bit5 = (high >> 1) & 0x01010101;
    const auto lower = choose_bytes(bit4, c.lookup(kIq6kLevels[1], low), c.lookup(kIq6kLevels[0], low));
    const auto upper = choose_bytes(bit4, c.lookup(kIq6kLevels[3], low), c.lookup(kIq6kLevels[2], low));
    // No level is -1, so that no byte carries into the next.
    return choose_bytes(bit5, upper, lower) + bytes_if(moved(c, sub, g), 0x01010101);
  }
  template <class C>
  static auto scale(const C& c, unsigned group) {
    return c.signed_byte(4 + (group & ~3u), group % 4);
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
