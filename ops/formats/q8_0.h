#pragma once
#include "ops/format_info.h"
#include "ops/half.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// 8 bits: d * q.
struct Q8_0 {
  struct Block {
    std::uint16_t d;
    std::int8_t qs[32];
  };
  static constexpr Field fields[] = {{0, 2, 2}, {2, 32, 4}};
  static constexpr FormatInfo info{"Q8_0", 8, 32, sizeof(Block), Activation::q8_32, fields, 2};
  static constexpr bool kSigned = true;
  static constexpr int kMax = 128;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMin = false;

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d);
    for (int j = 0; j < 32; ++j) y[j] = float(b->qs[j]) * d;
  }
  template <class C>
  static auto quads(const C& c, int g) {
    return c.word(2 + 4 * g);
  }
  template <class C>
  static auto scale(const C& c) {
    return c.half(0);
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
