#pragma once
#include "ops/formats/grids/grids.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// Per 4 weights one of 256 entries, per 8 7 signs, per 32 a 4-bit scale: d / 4 * (2 s + 1) * magnitude.
struct IQ3_XXS : GridFormat {
  struct Block {
    std::uint16_t d;
    std::uint8_t qs[64];
    std::uint8_t signs[8][4];  // 7 bits for 8 weights; above them the scale
  };
  static constexpr Field fields[] = {{0, 2, 2}, {2, 96, 4}};
  static constexpr FormatInfo info{"IQ3_XXS", 18, 256, sizeof(Block), Activation::q8_256, fields, 2};
  static constexpr int kMax = 62;
  static constexpr int kGroup = 32;

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d);
    for (int i = 0; i < 256; ++i) {
      const int l = i / 8 % 4;
      std::uint32_t word;
      __builtin_memcpy(&word, b->signs[i / 32], 4);
      const float scale = d * (0.5f + float(word >> 28)) * 0.5f;
      const float w = scale * float(kIq3XxsGrid.words[b->qs[i / 4]] >> (8 * (i % 4)) & 255);
      y[i] = eight_signs(word >> (7 * l) & 127) >> (i % 8) & 1 ? -w : w;
    }
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    const auto index = (c.word(2 + 8 * sub + unsigned(g & 4)) >> (8 * (g % 4))) & 255;
    const auto signs = (c.word(66 + 4 * sub) >> (7 * (g / 2))) & 127;
    return with_signs(c.gather(kIq3XxsGrid.words, index), four_signs(signs, g % 2));
  }
  template <class C>
  static auto scale(const C& c, unsigned group) {
    return ((c.word(66 + 4 * group) >> 27) & 30) | 1;
  }
  template <class C>
  static auto d(const C& c) {
    return c.half(0) * 0.25f;
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
