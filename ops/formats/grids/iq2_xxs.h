#pragma once
#include "ops/formats/grids/grids.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// Per 8 weights one of 256 entries and 7 signs, per 32 a 4-bit scale: d / 8 * (2 s + 1) * magnitude.
struct IQ2_XXS : GridFormat {
  struct Block {
    std::uint16_t d;
    struct {
      std::uint8_t entry[4];
      std::uint8_t signs[4];  // 7 bits for each entry; above them the scale
    } runs[8];
  };
  static constexpr Field fields[] = {{0, 2, 2}, {2, 64, 4}};
  static constexpr FormatInfo info{"IQ2_XXS", 16, 256, sizeof(Block), Activation::q8_256, fields, 2};
  static constexpr int kMax = 43;
  static constexpr int kGroup = 32;

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d);
    for (int i = 0; i < 256; ++i) {
      const auto& run = b->runs[i / 32];
      const int l = i / 8 % 4, j = i % 8;
      std::uint32_t word;
      __builtin_memcpy(&word, run.signs, 4);
      const float scale = d * (0.5f + float(word >> 28)) * 0.25f;
      const float w = scale * float(kIq2Levels[grid_code(kIq2XxsGrid.words[run.entry[l]], j)]);
      y[i] = eight_signs(word >> (7 * l) & 127) >> j & 1 ? -w : w;
    }
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    const int l = g / 2, half = g % 2;
    const auto entry = c.gather(kIq2XxsGrid.words, (c.word(2 + 8 * sub) >> (8 * l)) & 255);
    const auto signs = (c.word(6 + 8 * sub) >> (7 * l)) & 127;
    return with_signs(c.lookup(kIq2Levels, grid_codes(entry, half)), four_signs(signs, half));
  }
  template <class C>
  static auto scale(const C& c, unsigned group) {
    return ((c.word(6 + 8 * group) >> 27) & 30) | 1;
  }
  template <class C>
  static auto d(const C& c) {
    return c.half(0) * 0.125f;
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
