#pragma once
#include "ops/formats/iqk/tables.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// 5 bits into the table of IQ5_K; scales as IQ4_KS, levels 2 higher where the byte is odd.
struct IQ5_KS : RowScaledTable {
  struct Block {
    std::uint8_t scales[8];
    std::uint8_t qs[128];  // as in IQ5_K
    std::uint8_t qh[32];
  };
  static constexpr Field fields[] = {{0, 168, 4}};
  static constexpr FormatInfo info{"IQ5_KS",           152,    256, sizeof(Block),
                                   Activation::q8_256, fields, 1,   sizeof(float)};

  static void decode(const Block* b, float row, float* y) {
    for (int i = 0; i < 256; ++i) {
      const int sub = i / 32, l = i % 32, sc = b->scales[sub];
      const int q = ((b->qs[32 * (sub / 2) + l] >> (4 * (sub % 2))) & 15) | ((b->qh[l] >> sub) & 1) << 4;
      y[i] = row * float(ks_scale(sc)) * float(kIq5kLevels[q] + (sc & 1) * kIq5kMove);
    }
  }
  template <class C>
  static auto byte(const C& c, unsigned sub) {
    return c.word(4 * (sub / 4)) >> (8 * (sub % 4));
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    const auto high = (c.word(136 + 4 * unsigned(g)) >> sub) & 0x01010101;
    return iq5_levels(c, nibbles_of_32(c, 8, sub, g), high, byte(c, sub) & 1);
  }
  template <class C>
  static auto scale(const C& c, unsigned group) {
    return (byte(c, group) & 254) - 127;
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
