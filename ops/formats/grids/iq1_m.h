#pragma once
#include "ops/formats/grids/iq1_s.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// As IQ1_S, with a scale per 16 weights, and more or less per 8.
struct IQ1_M : Iq1Format {
  struct Block {
    std::uint8_t qs[32];      // low 8 bits of the entry of 8 weights
    std::uint8_t qh[16];      // nibble i: 3 high bits of entry i, and whether its weights are less
    std::uint16_t scales[4];  // four times 3 bits, and above them 4 bits of d, its lowest first
  };
  static constexpr Field fields[] = {{0, 48, 4}, {48, 8, 2}};
  static constexpr FormatInfo info{"IQ1_M", 29, 256, sizeof(Block), Activation::q8_256, fields, 2};
  static constexpr int kGroup = 16;

  static void decode(const Block* b, float* y) {
    const std::uint16_t* s = b->scales;
    const float d =
        f16_to_f32(std::uint16_t(s[0] >> 12 | (s[1] >> 12) << 4 | (s[2] >> 12) << 8 | (s[3] >> 12) << 12));
    for (int i = 0; i < 256; ++i) {
      const unsigned high = b->qh[i / 16] >> (4 * (i / 8 % 2)) & 15u, entry = b->qs[i / 8] | (high & 7) << 8;
      const float scale = d * float(2 * (s[i / 64] >> (3 * (i / 16 % 4)) & 7) + 1);
      y[i] = scale * weight(entry, i % 8, high > 7);
    }
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    const unsigned l = unsigned(g) / 2;
    const auto low = (c.word(4 * sub) >> (8 * l)) & 255;
    const auto high = c.word(32 + 4 * (sub / 2)) >> (16 * (sub % 2) + 4 * l);
    return Iq1Format::quads(c, low | ((high & 7) << 8), (high >> 3) & 1, g % 2);
  }
  template <class C>
  static auto scale(const C& c, unsigned group) {
    return (((c.short_word(48 + 2 * (group / 4)) >> (3 * (group % 4))) & 7) << 1) | 1;
  }
  template <class C>
  static auto d(const C& c) {
    const auto part = [&](unsigned i) { return (c.short_word(48 + 2 * i) >> 12) << (4 * i); };
    return c.half_of(part(0) | part(1) | part(2) | part(3)) * 0.125f;
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
