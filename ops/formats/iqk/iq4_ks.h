#pragma once
#include "ops/formats/iq4_nl.h"
#include "ops/formats/iqk/tables.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// 4 bits into the table of IQ4_NL; a float per row, and per 32 weights a byte: row * ((sc & 254) - 127) *
// level[q], levels 4 higher where the byte is odd.
struct IQ4_KS : RowScaledTable {
  struct Block {
    std::uint8_t scales[8];
    std::uint8_t qs[128];  // per 32 weights 16 bytes as IQ4_NL
  };
  static constexpr Field fields[] = {{0, 136, 4}};
  static constexpr FormatInfo info{"IQ4_KS",           144,    256, sizeof(Block),
                                   Activation::q8_256, fields, 1,   sizeof(float)};

  static void decode(const Block* b, float row, float* y) {
    for (int i = 0; i < 256; ++i) {
      const int sub = i / 32, l = i % 32, sc = b->scales[sub];
      const int q = (b->qs[16 * sub + l % 16] >> (4 * (l / 16))) & 15;
      y[i] = row * float(ks_scale(sc)) * float(kIq4Levels[q] + (sc & 1) * kIq4kMove);
    }
  }
  template <class C>
  static auto byte(const C& c, unsigned sub) {
    return c.word(4 * (sub / 4)) >> (8 * (sub % 4));
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    return c.lookup(kIq4Levels, nibbles_of_16(c, 8 + 16 * sub, g)) +
           bytes_if(byte(c, sub) & 1, 0x01010101 * kIq4kMove);
  }
  template <class C>
  static auto scale(const C& c, unsigned group) {
    return (byte(c, group) & 254) - 127;
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
