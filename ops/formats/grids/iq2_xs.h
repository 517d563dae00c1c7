#pragma once
#include "ops/formats/grids/grids.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

/// What IQ2_XS and IQ2_S share: 16 4-bit scales s of 16 weights each, d / 8 * (2 s + 1) * magnitude.
struct Iq2Format : GridFormat {
  static constexpr int kMax = 43;
  static constexpr int kGroup = 16;

  static float scale_of(float d, const std::uint8_t* scales, int group) {
    return d * (0.5f + float(scales[group / 2] >> (4 * (group % 2)) & 15)) * 0.25f;
  }
  /// Of a panel whose field of scales starts at byte `offset` of the block.
  template <class C>
  static auto scale(const C& c, int offset, unsigned group) {
    return (((c.word(unsigned(offset) + 4 * (group / 8)) >> (4 * (group % 8))) & 15) << 1) | 1;
  }
  template <class C>
  static auto d(const C& c) {
    return c.half(0) * 0.125f;
  }
};

// Per 8 weights one of 512 entries and 7 signs.
struct IQ2_XS : Iq2Format {
  struct Block {
    std::uint16_t d;
    std::uint16_t qs[32];  // 9 bits entry, 7 bits signs
    std::uint8_t scales[8];
  };
  static constexpr Field fields[] = {{0, 2, 2}, {2, 72, 4}};
  static constexpr FormatInfo info{"IQ2_XS", 17, 256, sizeof(Block), Activation::q8_256, fields, 2};

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d);
    for (int i = 0; i < 256; ++i) {
      const unsigned q = b->qs[i / 8];
      const float w =
          scale_of(d, b->scales, i / 16) * float(kIq2Levels[grid_code(kIq2XsGrid.words[q & 511], i % 8)]);
      y[i] = eight_signs(q >> 9) >> (i % 8) & 1 ? -w : w;
    }
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    const int l = g / 2, half = g % 2;
    const auto q = c.word(2 + 8 * sub + 4 * unsigned(l / 2)) >> (16 * (l % 2));
    const auto entry = c.gather(kIq2XsGrid.words, q & 511);
    return with_signs(c.lookup(kIq2Levels, grid_codes(entry, half)), four_signs((q >> 9) & 127, half));
  }
  template <class C>
  static auto scale(const C& c, unsigned group) {
    return Iq2Format::scale(c, 66, group);
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
