#pragma once
#include "ops/format_info.h"
#include "ops/formats/packed_scales.h"
#include "ops/half.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// 4 bits; per 32 weights a 6-bit scale and a 6-bit minimum: d * sc * q - dmin * m.
struct Q4_K : PackedScalesFormat {
  struct Block {
    std::uint16_t d, dmin;
    std::uint8_t scales[12];
    std::uint8_t qs[128];  // per 64 weights 32 bytes: low nibbles the first 32, high nibbles the second
  };
  static constexpr Field fields[] = {{0, 4, 2}, {4, 140, 4}};
  static constexpr FormatInfo info{"Q4_K", 12, 256, sizeof(Block), Activation::q8_256, fields, 2};
  static constexpr int kMax = 15;

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d), dmin = f16_to_f32(b->dmin);
    for (int i = 0; i < 256; ++i) {
      const int sub = i / 32;
      const int q = (b->qs[32 * (sub / 2) + i % 32] >> (4 * (sub % 2))) & 15;
      y[i] = d * float(PackedScales::scale(b->scales, sub)) * float(q) -
             dmin * float(PackedScales::minimum(b->scales, sub));
    }
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    return (c.word(16 + 32 * (sub / 2) + 4 * g) >> (4 * (sub % 2))) & 0x0F0F0F0F;
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
