#pragma once
#include "ops/format_info.h"
#include "ops/half.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

/// Eight 6-bit scales and minimums packed in 12 bytes, as Q4_K and Q5_K have them. Of a block in memory, and
/// of a panel whose field of scales starts at byte `offset` of the block.
struct PackedScales {
  static int scale(const std::uint8_t* s, int j) {
    return j < 4 ? s[j] & 63 : (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
  }
  static int minimum(const std::uint8_t* s, int j) {
    return j < 4 ? s[j + 4] & 63 : (s[j + 4] >> 4) | (s[j] >> 6) << 4;
  }
  template <class C>
  static auto scale(const C& c, int offset, unsigned j) {
    const unsigned byte = 8 * (j % 4);
    if (j < 4) return (c.word(offset) >> byte) & 63;
    return ((c.word(offset + 8) >> byte) & 15) | (((c.word(offset) >> (byte + 6)) & 3) << 4);
  }
  template <class C>
  static auto minimum(const C& c, int offset, unsigned j) {
    const unsigned byte = 8 * (j % 4);
    if (j < 4) return (c.word(offset + 4) >> byte) & 63;
    return ((c.word(offset + 8) >> (byte + 4)) & 15) | (((c.word(offset + 4) >> (byte + 6)) & 3) << 4);
  }
};

/// What Q4_K and Q5_K share: blocks that begin with d, dmin and the packed scales and minimums of 8 groups
/// of 32.
struct PackedScalesFormat {
  static constexpr bool kSigned = false;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMin = true;
  static constexpr int kGroup = 32;

  template <class C>
  static auto scale(const C& c, unsigned group) {
    return PackedScales::scale(c, 4, group);
  }
  template <class C>
  static auto minimum(const C& c, unsigned group) {
    return PackedScales::minimum(c, 4, group);
  }
  template <class C>
  static auto d(const C& c) {
    return c.half(0);
  }
  template <class C>
  static auto dmin(const C& c) {
    return c.half(2);
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
