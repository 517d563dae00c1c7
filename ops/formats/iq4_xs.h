#pragma once
#include "ops/format_info.h"
#include "ops/formats/iq4_nl.h"
#include "ops/half.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// 4 bits into the table of IQ4_NL; per 32 weights a 6-bit scale: d * (sc - 32) * level[q].
struct IQ4_XS {
  struct Block {
    std::uint16_t d;
    std::uint16_t scales_h;    // bits 2b, 2b+1: high bits of scale b
    std::uint8_t scales_l[4];  // nibble b: low bits of scale b
    std::uint8_t qs[128];      // per 32 weights 16 bytes as IQ4_NL
  };
  static constexpr Field fields[] = {{0, 4, 2}, {4, 132, 4}};
  static constexpr FormatInfo info{"IQ4_XS", 23, 256, sizeof(Block), Activation::q8_256, fields, 2};
  static constexpr bool kSigned = true;
  static constexpr int kMax = 127;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMin = false;
  static constexpr int kGroup = 32;

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d);
    for (int i = 0; i < 256; ++i) {
      const int sub = i / 32, l = i % 32;
      const int low = (b->scales_l[sub / 2] >> (4 * (sub % 2))) & 15;
      const int sc = (low | ((b->scales_h >> (2 * sub)) & 3) << 4) - 32;
      const int q = (b->qs[16 * sub + l % 16] >> (4 * (l / 16))) & 15;
      y[i] = d * float(sc) * float(kIq4Levels[q]);
    }
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    return c.lookup(kIq4Levels, (c.word(8 + 16 * sub + 4 * (g & 3)) >> (g & 4)) & 0x0F0F0F0F);
  }
  template <class C>
  static auto scale(const C& c, unsigned group) {
    return (((c.word(4) >> (4 * group)) & 15) | (((c.short_word(2) >> (2 * group)) & 3) << 4)) - 32;
  }
  template <class C>
  static auto d(const C& c) {
    return c.half(0);
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
