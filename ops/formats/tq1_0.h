#pragma once
#include "ops/format_info.h"
#include "ops/half.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

// Weights -1, 0, 1, five of which are a byte: d * (q - 1). Byte v is 256 times a fraction with five digits of
// base 3; multiplied by 3^n modulo 256 it begins with digit n.
struct TQ1_0 {
  struct Block {
    std::uint8_t qs[48];  // bytes 0..31: 5 digits of 32 weights each; 32..47: 5 digits of 16
    std::uint8_t qh[4];   // 4 digits of 4 weights each
    std::uint16_t d;
  };
  static constexpr Field fields[] = {{0, 52, 4}, {52, 2, 2}};
  static constexpr FormatInfo info{"TQ1_0", 34, 256, sizeof(Block), Activation::q8_256, fields, 2};
  static constexpr bool kSigned = false;
  static constexpr int kMax = 2;
  static constexpr int kOffset = 1;
  static constexpr bool kHasMin = false;
  static constexpr int kGroup = 32;

  /// Where a weight is: its byte, and 3^n of its digit.
  struct Place {
    unsigned byte, power;

    explicit constexpr Place(unsigned i) {
      constexpr std::uint8_t powers[5] = {1, 3, 9, 27, 81};
      byte = i < 160 ? i % 32 : i < 240 ? 32 + i % 16 : 48 + i % 4;
      power = powers[i < 160 ? i / 32 : i < 240 ? (i - 160) / 16 : (i - 240) / 4];
    }
  };

  static void decode(const Block* b, float* y) {
    const float d = f16_to_f32(b->d);
    for (unsigned i = 0; i < 256; ++i) {
      const Place at(i);
      const unsigned v = at.byte < 48 ? b->qs[at.byte] : b->qh[at.byte - 48];
      y[i] = float(int((v * at.power % 256) * 3 >> 8) - 1) * d;
    }
  }
  // Two bytes of a lane at once, each in 16 bits.
  template <class I>
  static I digits(I bytes, int power) {
    const I fraction = (bytes * I(power)) & 0x00FF00FF;
    return ((fraction + (fraction << 1)) >> 8) & 0x00030003;
  }
  template <class C>
  static auto quads(const C& c, unsigned sub, int g) {
    const Place at(32 * sub + 4 * unsigned(g));
    const auto word = c.word(at.byte);
    return digits(word & 0x00FF00FF, int(at.power)) | (digits((word >> 8) & 0x00FF00FF, int(at.power)) << 8);
  }
  template <class C>
  static auto scale(const C& c, unsigned) {
    return c.constant(1);
  }
  template <class C>
  static auto d(const C& c) {
    return c.half(52);
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
