#pragma once
#include "ops/formats/mxfp4.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// 4-bit floats as in MXFP4 with an 8-bit float UE4M3 per 16 weights: scale / 2 * (2 x E2M1).
struct NVFP4 {
  struct Block {
    std::uint8_t d[4];
    std::uint8_t qs[32];  // per 16 weights 8 bytes: low nibbles the first 8, high nibbles the second
  };
  static constexpr Field fields[] = {{0, 36, 4}};
  static constexpr FormatInfo info{"NVFP4", 40, 64, sizeof(Block), Activation::q8_32, fields, 1};
  static constexpr bool kSigned = false;
  static constexpr int kMax = 24;
  static constexpr int kOffset = 12;
  static constexpr bool kHasMin = false;
  static constexpr int kGroup = 16;

  /// Half of a UE4M3: 4 bits of exponent with bias 7 and 3 of fraction, where a float has them with bias 127.
  /// Multiplying by 2^119 is exact, also of subnormals. 0x7F is 0.
  static float half_scale(std::uint8_t e) {
    return e == 0x7F ? 0.0f : std::bit_cast<float>(std::uint32_t(e & 0x7F) << 20) * 0x1p119f;
  }
  static void decode(const Block* b, float* y) {
    for (int i = 0; i < 64; ++i) {
      const int q = b->qs[8 * (i / 16) + i % 8] >> (4 * (i / 8 % 2)) & 15;
      y[i] = float(kE2m1[q] - kOffset) * half_scale(b->d[i / 16]);
    }
  }
  template <class C>
  static auto quads(const C& c, unsigned run, int g) {
    const auto word = c.word(4 + 16 * run + 8 * unsigned(g / 4) + 4 * unsigned(g % 2));
    return c.lookup(kE2m1, (word >> (2 * (g & 2))) & 0x0F0F0F0F);
  }
  template <class C>
  static auto scale(const C& c, unsigned group) {
    return c.float_of_e4m3((c.word(0) >> (8 * group)) & 255) * 0x1p119f;
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
