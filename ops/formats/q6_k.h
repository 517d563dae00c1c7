#pragma once
#include "ops/format_info.h"
#include "ops/half.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// 6 bits; per 16 weights an 8-bit scale: d * sc * (q - 32).
struct Q6_K {
  struct Block {
    std::uint8_t ql[128];  // per 128 weights 64 bytes: low nibbles weights 0..63, high nibbles 64..127
    std::uint8_t qh[64];   // per 128 weights 32 bytes: bits 2j, 2j+1 of byte l: weight 32 j + l
    std::int8_t scales[16];
    std::uint16_t d;
  };
  static constexpr Field fields[] = {{0, 208, 4}, {208, 2, 2}};
  static constexpr FormatInfo info{"Q6_K", 14, 256, sizeof(Block), Activation::q8_256, fields, 2};
  static constexpr bool kSigned = false;
  static constexpr int kMax = 63;
  static constexpr int kOffset = 32;
  static constexpr bool kHasMin = false;
  static constexpr int kGroup = 16;
  static constexpr int kRunsApart = 2;  // runs j and j + 2 stand in the same bytes

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d);
    for (int i = 0; i < 256; ++i) {
      const int half = i / 128, j = i / 32 % 4, l = i % 32;
      const int low = (b->ql[64 * half + 32 * (j % 2) + l] >> (4 * (j / 2))) & 15;
      const int q = (low | ((b->qh[32 * half + l] >> (2 * j)) & 3) << 4) - 32;
      y[i] = d * float(b->scales[i / 16]) * float(q);
    }
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    const unsigned half = sub / 4, j = sub % 4;
    const auto low = c.word(64 * half + 32 * (j % 2) + 4 * g), high = c.word(128 + 32 * half + 4 * g);
    // Two cases of j, which run_of() fixes when this is compiled, not four: a branch for every word cost a
    // tenth.
    const auto pairs = high >> (2 * (j % 2));
    return ((j < 2 ? low : low >> 4) & 0x0F0F0F0F) | ((j < 2 ? pairs << 4 : pairs) & 0x30303030);
  }
  template <class C>
  static auto scale(const C& c, unsigned group) {
    return c.signed_byte(192 + (group & ~3), group % 4);
  }
  template <class C>
  static auto d(const C& c) {
    return c.half(208);
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
