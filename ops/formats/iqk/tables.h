// What the types of ik_llama.cpp that end in _K, _KS and _KSS have in common: a few bits of a weight choose a
// level of a table, and one more bit for each group of weights moves all levels of the group up a little.
#pragma once

#include "ops/format_info.h"
#include "ops/half.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

/// Superblocks of 256 whose weights are levels: signed bytes, with integer scales per group.
struct TableFormat {
  static constexpr bool kTable = true;
  static constexpr bool kSigned = true;
  static constexpr int kMax = 127;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMin = false;

  template <class C>
  static auto d(const C& c) {
    return c.half(0);
  }
};

/// Those that begin with a half d and a word whose bit k moves the levels of the 16 weights of group k.
struct TableOf16 : TableFormat {
  static constexpr int kGroup = 16;

  template <class C>
  static auto moved(const C& c, unsigned sub, int g) {
    return (c.short_word(2) >> (2 * sub + unsigned(g) / 4)) & 1;
  }
};

/// Those whose rows begin with a float, the scale of the whole row.
struct RowScaledTable : TableFormat {
  static constexpr int kGroup = 32;

  template <class C>
  static auto d(const C& c) {
    return c.one();
  }
};

/// `bytes` where a lane's bit is 1, and 0 where it is 0.
template <class I>
I bytes_if(I bit, int bytes) {
  return (I(0) - bit) & I(bytes);
}
/// Of each byte what is in `a` where the byte of `ones` is 1, and in `b` where it is 0.
template <class I>
I choose_bytes(I ones, I a, I b) {
  return b ^ ((a ^ b) & ((ones << 8) - ones));
}

/// Nibble `group` of 16, in 8 bytes from byte `offset` of the block on.
template <class C>
auto scale_nibble(const C& c, unsigned offset, unsigned group) {
  return (c.word(offset + 4 * (group / 8)) >> (4 * (group % 8))) & 15;
}

/// The four lowest bits of 32 weights: nibbles of 16 bytes, the low ones of weights 0 to 15.
template <class C>
auto nibbles_of_16(const C& c, unsigned offset, int g) {
  return (c.word(offset + 4 * unsigned(g & 3)) >> (g & 4)) & 0x0F0F0F0F;
}
/// The same where 64 weights share 32 bytes, the low nibbles of weights 0 to 31.
template <class C>
auto nibbles_of_32(const C& c, unsigned offset, unsigned sub, int g) {
  return (c.word(offset + 32 * (sub / 2) + 4 * unsigned(g)) >> (4 * (sub % 2))) & 0x0F0F0F0F;
}

/// IQ5_K and IQ5_KS: 32 levels.
inline constexpr std::int8_t kIq5kLevels[32] = {-126, -114, -103, -92, -83, -74, -65, -57, -50, -43, -36,
                                                -30,  -24,  -18,  -12, -6,  -1,  5,   11,  17,  23,  29,
                                                36,   43,   51,   59,  68,  77,  87,  97,  109, 121};
/// How far they move.
inline constexpr int kIq5kMove = 2;

/// Half of a table of 32 levels. 128 is added, so that a byte that is moved does not carry into the next.
struct RaisedLevels {
  std::int8_t levels[16];
};
consteval RaisedLevels raised(int half) {
  RaisedLevels table{};
  for (int i = 0; i < 16; ++i) table.levels[i] = std::int8_t(kIq5kLevels[16 * half + i] ^ -128);
  return table;
}
inline constexpr RaisedLevels kIq5kLow = raised(0), kIq5kHigh = raised(1);

/// Levels of IQ5_K: `low` are four bits of each weight, `high` has the fifth, `moved` is 1 where they are
/// moved.
template <class C, class I>
I iq5_levels(const C& c, I low, I high, I moved) {
  const I levels = choose_bytes(high, c.lookup(kIq5kHigh.levels, low), c.lookup(kIq5kLow.levels, low));
  return (levels + bytes_if(moved, 0x01010101 * kIq5kMove)) ^ I(std::int32_t(0x80808080));
}

/// How far the levels of IQ4_K, IQ4_KS and IQ4_KSS, which are those of IQ4_NL, move.
inline constexpr int kIq4kMove = 4;

/// A byte that is the scale of 32 weights, and whether their levels are moved.
inline int ks_scale(int byte) { return (byte & 254) - 127; }

}  // namespace LONGHAND_UNIT
}  // namespace longhand
