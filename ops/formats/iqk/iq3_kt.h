#pragma once
#include "ops/formats/iqk/trellis.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// As IQ2_KT, but numbers lose their sign and have one of their own: +-row * sc * |number|.
struct IQ3_KT : TrellisOf8 {
  struct Block {
    std::uint8_t scales[4];
    std::uint16_t qs[32];
    std::uint8_t qh[32];  // bit s of byte l: weight 32 s + l is negative
  };
  static constexpr Field fields[] = {{0, 100, 4}};
  static constexpr FormatInfo info{"IQ3_KT",           154,    256, sizeof(Block),
                                   Activation::q8_256, fields, 1,   sizeof(float)};

  static void decode(const Block* b, float row, float* y) {
    for (int i = 0; i < 256; ++i) {
      const int number = trellis_number(std::uint32_t(b->qs[i / 8] + kTrellisOffset), i % 8);
      const float w = row * float(nibble(b->scales, i / 32)) * float(number < 0 ? -number : number);
      y[i] = (b->qh[i % 32] >> (i / 32)) & 1 ? -w : w;
    }
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    const auto x = code(c, sub, g);
    const auto signs = c.word(68 + 4 * unsigned(g)) >> sub;
    return four_bytes([&](int j) {
      const auto number = trellis_numbers(x, 4 * (g % 2) + j);
      const auto turned = (number >> 31) ^ bytes_if((signs >> (8 * j)) & 1, -1);  // all bits or none
      return (number ^ turned) - turned;
    });
  }
  template <class C>
  static auto scale(const C& c, unsigned group) {
    return nibble(c, group);
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
