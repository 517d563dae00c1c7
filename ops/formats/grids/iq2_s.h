#pragma once
#include "ops/formats/grids/iq2_xs.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// Per 8 weights one of 1024 entries and 8 signs.
struct IQ2_S : Iq2Format {
  struct Block {
    std::uint16_t d;
    std::uint8_t qs[32];     // low 8 bits of the entry of 8 weights
    std::uint8_t signs[32];  // bit j of byte i: weight 8 i + j is negative
    std::uint8_t qh[8];      // bits 2l, 2l+1 of byte s: high bits of entry 4 s + l
    std::uint8_t scales[8];
  };
  static constexpr Field fields[] = {{0, 2, 2}, {2, 80, 4}};
  static constexpr FormatInfo info{"IQ2_S", 22, 256, sizeof(Block), Activation::q8_256, fields, 2};

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d);
    for (int i = 0; i < 256; ++i) {
      const unsigned entry = b->qs[i / 8] | (b->qh[i / 32] >> (2 * (i / 8 % 4)) & 3u) << 8;
      const float w =
          scale_of(d, b->scales, i / 16) * float(kIq2Levels[grid_code(kIq2SGrid.words[entry], i % 8)]);
      y[i] = b->signs[i / 8] >> (i % 8) & 1 ? -w : w;
    }
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    const unsigned l = unsigned(g) / 2;
    const auto low = (c.word(2 + 4 * sub) >> (8 * l)) & 255;
    const auto high = (c.word(66 + 4 * (sub / 4)) >> (8 * (sub % 4) + 2 * l)) & 3;
    const auto entry = c.gather(kIq2SGrid.words, low | (high << 8));
    const auto signs = (c.word(34 + 4 * sub) >> (4 * g)) & 15;
    return with_signs(c.lookup(kIq2Levels, grid_codes(entry, g % 2)), signs);
  }
  template <class C>
  static auto scale(const C& c, unsigned group) {
    return Iq2Format::scale(c, 74, group);
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
