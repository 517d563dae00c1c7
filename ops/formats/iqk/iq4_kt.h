#pragma once
#include "ops/formats/iqk/trellis.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// 15 bits for four weights; a float per row, and per 32 weights a word with their scale, with the bit that
// all their codes have above these 15, and three bits of each code: row * (sc - 64) * number.
struct IQ4_KT : RowScaledTable {
  struct Block {
    std::uint32_t heads[8];  // bit 0: bit 15 of the codes; bits 1..7: sc; then bits 12..14 of eight codes
    std::uint8_t ql[64];     // bits 0..7 of codes
    std::uint8_t qh[32];     // bits 8..11: of code k in the low nibble, of code k + 32 in the high one
  };
  static constexpr Field fields[] = {{0, 128, 4}};
  static constexpr FormatInfo info{"IQ4_KT",           155,    256, sizeof(Block),
                                   Activation::q8_256, fields, 1,   sizeof(float)};

  static void decode(const Block* b, float row, float* y) {
    for (int i = 0; i < 256; ++i) {
      const int sub = i / 32, k = i / 4;
      const std::uint32_t head = b->heads[sub];
      const std::uint32_t high = std::uint32_t(b->qh[k % 32] >> (4 * (k / 32)) & 15);
      const std::uint32_t code =
          b->ql[k] | high << 8 | (head >> (8 + 3 * (k % 8)) & 7) << 12 | (head & 1) << 15;
      y[i] = row * float(int(head >> 1 & 127) - 64) * float(trellis_number(code + kTrellisOffset, i % 4));
    }
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    const unsigned k = 8 * sub + unsigned(g);
    const auto head = c.word(4 * sub);
    const auto low = (c.word(32 + 4 * (k / 4)) >> (8 * (k % 4))) & 255;
    const auto high = (c.word(96 + 4 * (k % 32 / 4)) >> (8 * (k % 4) + 4 * (k / 32))) & 15;
    const auto top = ((head >> (8 + 3 * (k % 8))) & 7) | ((head & 1) << 3);
    const auto code = (low | (high << 8) | (top << 12)) + kTrellisOffset;
    return four_bytes([&](int j) { return trellis_numbers(code, j); });
  }
  template <class C>
  static auto scale(const C& c, unsigned group) {
    return ((c.word(4 * group) >> 1) & 127) - 64;
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
