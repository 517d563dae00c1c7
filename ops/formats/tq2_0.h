#pragma once
#include "ops/format_info.h"
#include "ops/half.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// Weights -1, 0, 1 in 2 bits: d * (q - 1).
struct TQ2_0 {
  struct Block {
    std::uint8_t qs[64];  // bits as in Q2_K
    std::uint16_t d;
  };
  static constexpr Field fields[] = {{0, 64, 4}, {64, 2, 2}};
  static constexpr FormatInfo info{"TQ2_0", 35, 256, sizeof(Block), Activation::q8_256, fields, 2};
  static constexpr bool kSigned = false;
  static constexpr int kMax = 3;
  static constexpr int kOffset = 1;
  static constexpr bool kHasMin = false;
  static constexpr int kGroup = 32;

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d);
    for (int i = 0; i < 256; ++i)
      y[i] = float((b->qs[32 * (i / 128) + i % 32] >> (2 * (i / 32 % 4)) & 3) - 1) * d;
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    return (c.word(32 * (sub / 4) + 4 * unsigned(g)) >> (2 * (sub % 4))) & 0x03030303;
  }
  template <class C>
  static auto scale(const C& c, unsigned) {
    return c.constant(1);
  }
  template <class C>
  static auto d(const C& c) {
    return c.half(64);
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
