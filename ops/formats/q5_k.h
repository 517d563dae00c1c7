#pragma once
#include "ops/format_info.h"
#include "ops/formats/packed_scales.h"
#include "ops/half.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// 5 bits; scales and minimums as Q4_K.
struct Q5_K : PackedScalesFormat {
  struct Block {
    std::uint16_t d, dmin;
    std::uint8_t scales[12];
    std::uint8_t qh[32];   // bit s of byte l: fifth bit of weight 32 s + l
    std::uint8_t qs[128];  // low bits as in Q4_K
  };
  static constexpr Field fields[] = {{0, 4, 2}, {4, 172, 4}};
  static constexpr FormatInfo info{"Q5_K", 13, 256, sizeof(Block), Activation::q8_256, fields, 2};
  static constexpr int kMax = 31;

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d), dmin = f16_to_f32(b->dmin);
    for (int i = 0; i < 256; ++i) {
      const int sub = i / 32, l = i % 32;
      const int q = ((b->qs[32 * (sub / 2) + l] >> (4 * (sub % 2))) & 15) | ((b->qh[l] >> sub) & 1) << 4;
      y[i] = d * float(PackedScales::scale(b->scales, sub)) * float(q) -
             dmin * float(PackedScales::minimum(b->scales, sub));
    }
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    // Two shifts: one, to the left or to the right, would be a branch for every word.
    const auto high = c.word(16 + 4 * g);
    return ((c.word(48 + 32 * (sub / 2) + 4 * g) >> (4 * (sub % 2))) & 0x0F0F0F0F) |
           (((high >> sub) << 4) & 0x10101010);
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
