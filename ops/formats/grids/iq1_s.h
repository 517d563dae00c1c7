#pragma once
#include "ops/formats/grids/grids.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

/// What IQ1_S and IQ1_M share: weights -1, 0, 1, of which eight form one of 2048 entries, and 1/8 more or
/// less for all of them. As integers they are 8 weight + 1 or 8 weight - 1, and 9 more than that in a panel.
struct Iq1Format {
  static constexpr bool kGrid = true;
  static constexpr bool kSigned = false;
  static constexpr int kMax = 18;
  static constexpr int kOffset = 9;
  static constexpr bool kHasMin = false;

  static float weight(unsigned entry, int j, bool less) {
    return float(grid_code(kIq1Grid.words[entry], j) - 1) + (less ? -0.125f : 0.125f);
  }
  /// Four weights of an entry; `less` has 1 in lanes where they are less, else 0.
  template <class C, class I>
  static I quads(const C& c, I entry, I less, int half) {
    const I codes = grid_codes(c.gather(kIq1Grid.words, entry), half);
    // 2 in each byte where they are more: (less - 1) has all bits set there.
    return (codes << 3) | ((less - 1) & 0x02020202);
  }
};

// Per 32 weights a 3-bit scale: d * (2 s + 1) * weight.
struct IQ1_S : Iq1Format {
  struct Block {
    std::uint16_t d;
    std::uint8_t qs[32];  // low 8 bits of the entry of 8 weights
    std::uint16_t qh[8];  // of 32: four times 3 high bits, the scale, whether they are less
  };
  static constexpr Field fields[] = {{0, 2, 2}, {2, 48, 4}};
  static constexpr FormatInfo info{"IQ1_S", 19, 256, sizeof(Block), Activation::q8_256, fields, 2};
  static constexpr int kGroup = 32;

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d);
    for (int i = 0; i < 256; ++i) {
      const unsigned qh = b->qh[i / 32], entry = b->qs[i / 8] | (qh >> (3 * (i / 8 % 4)) & 7) << 8;
      y[i] = d * float(2 * (qh >> 12 & 7) + 1) * weight(entry, i % 8, qh >> 15 != 0);
    }
  }
  template <class C>
  static auto high(const C& c, unsigned sub) {
    return c.word(34 + 4 * (sub / 2)) >> (16 * (sub % 2));
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    const int l = g / 2;
    const auto qh = high(c, sub);
    const auto low = (c.word(2 + 4 * sub) >> (8 * l)) & 255;
    return Iq1Format::quads(c, low | (((qh >> (3 * l)) & 7) << 8), (qh >> 15) & 1, g % 2);
  }
  template <class C>
  static auto scale(const C& c, unsigned group) {
    return ((high(c, group) >> 11) & 14) | 1;
  }
  template <class C>
  static auto d(const C& c) {
    return c.half(0) * 0.125f;
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
