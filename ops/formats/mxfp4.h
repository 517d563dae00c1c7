#pragma once
#include "ops/format_info.h"
#include "ops/half.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

/// 12 more than twice the values of the 4-bit float E2M1, so that they are unsigned integers; the block scale
/// is halved instead.
inline constexpr std::int8_t kE2m1[16] = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};

// 4-bit floats with a power of two per 32 weights (OCP Microscaling): 2^(e - 128) * (2 x E2M1).
struct MXFP4 {
  struct Block {
    std::uint8_t e;
    std::uint8_t qs[16];
  };
  static constexpr Field fields[] = {{0, 1, 1}, {1, 16, 4}};
  static constexpr FormatInfo info{"MXFP4", 39, 32, sizeof(Block), Activation::q8_32, fields, 2};
  static constexpr bool kSigned = false;
  static constexpr int kMax = 24;
  static constexpr int kOffset = 12;
  static constexpr bool kHasMin = false;

  /// 2^(e - 128); e = 0 and 1 are subnormal.
  static float power(std::uint8_t e) {
    return std::bit_cast<float>(e < 2 ? 0x00200000u << e : std::uint32_t(e - 1) << 23);
  }
  static void decode(const Block* b, float* y) {
    const float d = power(b->e);
    for (int j = 0; j < 16; ++j) {
      y[j] = float(kE2m1[b->qs[j] & 15] - kOffset) * d;
      y[j + 16] = float(kE2m1[b->qs[j] >> 4] - kOffset) * d;
    }
  }
  template <class C>
  static auto quads(const C& c, int g) {
    return c.lookup(kE2m1, (c.word(1 + 4 * (g & 3)) >> (g & 4)) & 0x0F0F0F0F);
  }
  template <class C>
  static auto scale(const C& c) {
    return c.power_of_two(0);
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
