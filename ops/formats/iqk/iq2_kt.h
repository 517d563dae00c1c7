#pragma once
#include "ops/formats/iq4_nl.h"
#include "ops/formats/iqk/trellis.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// 16 bits for eight weights; a float per row, and per 32 weights a scale that is a level of IQ4_NL:
// row * level[sc] * number.
struct IQ2_KT : TrellisOf8 {
  struct Block {
    std::uint8_t scales[4];  // low nibble of byte k: group k, high nibble: group k + 4
    std::uint16_t qs[32];
  };
  static constexpr Field fields[] = {{0, 68, 4}};
  static constexpr FormatInfo info{"IQ2_KT",           153,    256, sizeof(Block),
                                   Activation::q8_256, fields, 1,   sizeof(float)};

  static void decode(const Block* b, float row, float* y) {
    for (int i = 0; i < 256; ++i) {
      const float scale = row * float(kIq4Levels[nibble(b->scales, i / 32)]);
      y[i] = scale * float(trellis_number(std::uint32_t(b->qs[i / 8] + kTrellisOffset), i % 8));
    }
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    const auto x = code(c, sub, g);
    return four_bytes([&](int j) { return trellis_numbers(x, 4 * (g % 2) + j); });
  }
  template <class C>
  static auto scale(const C& c, unsigned group) {
    return (c.lookup(kIq4Levels, nibble(c, group)) << 24) >> 24;
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
