#pragma once
#include "ops/formats/iqk/iq4_k.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// 5 bits into a table of 32 levels; scales as IQ4_K.
struct IQ5_K : SixBitScales {
  struct Block {
    std::uint16_t d;
    std::uint16_t extra;       // bit k: the levels of group k are 2 higher
    std::uint8_t scales_h[4];  // as in IQ4_K
    std::uint8_t scales_l[8];
    std::uint8_t qs[128];  // per 64 weights 32 bytes: low nibbles weights 0..31, high nibbles 32..63
    std::uint8_t qh[32];   // bit s of byte l: fifth bit of weight 32 s + l
  };
  static constexpr Field fields[] = {{0, 4, 2}, {4, 172, 4}};
  static constexpr FormatInfo info{"IQ5_K", 140, 256, sizeof(Block), Activation::q8_256, fields, 2};

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d);
    for (int i = 0; i < 256; ++i) {
      const int sub = i / 32, l = i % 32, group = i / 16;
      const int q = ((b->qs[32 * (sub / 2) + l] >> (4 * (sub % 2))) & 15) | ((b->qh[l] >> sub) & 1) << 4;
      const int level = kIq5kLevels[q] + ((b->extra >> group) & 1) * kIq5kMove;
      y[i] = d * float(scale_of(b->scales_l, b->scales_h, group)) * float(level);
    }
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    const auto high = (c.word(144 + 4 * unsigned(g)) >> sub) & 0x01010101;
    return iq5_levels(c, nibbles_of_32(c, 16, sub, g), high, moved(c, sub, g));
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
