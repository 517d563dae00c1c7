#pragma once
#include "ops/formats/grids/grids.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// Per 4 weights one of 512 entries and 4 signs, per 32 a 4-bit scale: d * (2 s + 1) * magnitude.
struct IQ3_S : GridFormat {
  struct Block {
    std::uint16_t d;
    std::uint8_t qs[64];     // low 8 bits of the entry of 4 weights
    std::uint8_t qh[8];      // bit k of byte s: high bit of entry 8 s + k
    std::uint8_t signs[32];  // bit j of byte i: weight 8 i + j is negative
    std::uint8_t scales[4];  // nibble s: of weights 32 s and after
  };
  static constexpr Field fields[] = {{0, 2, 2}, {2, 108, 4}};
  static constexpr FormatInfo info{"IQ3_S", 21, 256, sizeof(Block), Activation::q8_256, fields, 2};
  static constexpr int kMax = 15;
  static constexpr int kGroup = 32;

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d);
    for (int i = 0; i < 256; ++i) {
      const int sub = i / 32;
      const float scale = d * float(1 + 2 * (b->scales[sub / 2] >> (4 * (sub % 2)) & 15));
      const unsigned entry = b->qs[i / 4] | (b->qh[sub] >> (i / 4 % 8) & 1u) << 8;
      const float w = scale * float(kIq3SGrid.words[entry] >> (8 * (i % 4)) & 255);
      y[i] = b->signs[i / 8] >> (i % 8) & 1 ? -w : w;
    }
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    const auto low = (c.word(2 + 8 * sub + unsigned(g & 4)) >> (8 * (g % 4))) & 255;
    const auto high = (c.word(66 + 4 * (sub / 4)) >> (8 * (sub % 4) + unsigned(g))) & 1;
    const auto signs = (c.word(74 + 4 * sub) >> (4 * g)) & 15;
    return with_signs(c.gather(kIq3SGrid.words, low | (high << 8)), signs);
  }
  template <class C>
  static auto scale(const C& c, unsigned group) {
    return (((c.word(106) >> (4 * group)) & 15) << 1) | 1;
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
