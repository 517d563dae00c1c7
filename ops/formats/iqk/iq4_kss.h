#pragma once
#include "ops/formats/iq4_nl.h"
#include "ops/formats/iqk/tables.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// IQ4_KS with the bits of the scales hidden in the codes. Of the eight 16-bit words of 32 weights, bit 0 of
// word k is bit k of the byte that IQ4_KS has as scale. With that bit cleared, word ^ (word >> 1) has four
// codes, as in IQ4_NL.
struct IQ4_KSS : RowScaledTable {
  struct Block {
    std::uint16_t qs[64];
  };
  static constexpr Field fields[] = {{0, 128, 4}};
  static constexpr FormatInfo info{"IQ4_KSS",          146,    256, sizeof(Block),
                                   Activation::q8_256, fields, 1,   sizeof(float)};

  static void decode(const Block* b, float row, float* y) {
    for (int i = 0; i < 256; ++i) {
      const int sub = i / 32, l = i % 32;
      int sc = 0;
      for (int k = 0; k < 8; ++k) sc |= (b->qs[8 * sub + k] & 1) << k;
      const unsigned word = b->qs[8 * sub + l % 16 / 2] & 0xFFFEu;
      const unsigned q = ((word ^ (word >> 1)) >> (8 * (l % 2) + 4 * (l / 16))) & 15;
      y[i] = row * float(ks_scale(sc)) * float(kIq4Levels[q] + (sc & 1) * kIq4kMove);
    }
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    const auto words = c.word(16 * sub + 4 * unsigned(g & 3)) & ~0x00010001;
    const auto codes = words ^ ((words >> 1) & 0x7FFFFFFF);
    return c.lookup(kIq4Levels, (codes >> (g & 4)) & 0x0F0F0F0F) +
           bytes_if(c.word(16 * sub) & 1, 0x01010101 * kIq4kMove);
  }
  template <class C>
  static auto scale(const C& c, unsigned group) {
    const auto pair = [&](unsigned i) {
      const auto bits = c.word(16 * group + 4 * i) & 0x00010001;
      return ((bits | (bits >> 15)) & 3) << (2 * i);
    };
    return ((pair(0) | pair(1) | pair(2) | pair(3)) & 254) - 127;
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
