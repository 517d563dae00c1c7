// What the types of ik_llama.cpp that end in _KT have in common: their weights are numbers that a
// multiplication makes of a code. Number k of a code is the sum of the four lowest 6 bits of each byte of
// code * a^(k + 1) modulo 2^32, less 126, with a = 0xCBAC1FED.
#pragma once

#include "ops/formats/iqk/tables.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

struct TrellisPowers {
  std::uint32_t a[8];
};
consteval TrellisPowers trellis_powers() {
  TrellisPowers powers{};
  std::uint32_t power = 1;
  for (std::uint32_t& a : powers.a) a = power *= 0xCBAC1FEDu;
  return powers;
}
/// a, a^2, ... a^8.
inline constexpr TrellisPowers kTrellis = trellis_powers();
/// Added to a code first.
inline constexpr int kTrellisOffset = 4096;

inline int trellis_number(std::uint32_t code, int k) {
  const std::uint64_t bytes = (std::uint64_t{code} * kTrellis.a[k]) & 0x3F3F3F3Fu;
  return int(((bytes * 0x01010101u) >> 24) & 255) - 126;
}
template <class I>
I trellis_numbers(I code, int k) {
  const I bytes = (code * I(std::int32_t(kTrellis.a[k]))) & 0x3F3F3F3F;
  const I pairs = bytes + (bytes >> 16);
  return ((pairs + (pairs >> 8)) & 255) - 126;
}
/// f(0) to f(3), integers of one byte, in the bytes of each lane.
template <class Function>
auto four_bytes(const Function& f) {
  return (f(0) & 255) | ((f(1) & 255) << 8) | ((f(2) & 255) << 16) | (f(3) << 24);
}

/// What IQ2_KT and IQ3_KT share: four bytes with the scales of eight groups of 32 in their nibbles, and then
/// 16 bits for the code of eight weights each.
struct TrellisOf8 : RowScaledTable {
  static int nibble(const std::uint8_t* scales, int sub) { return (scales[sub % 4] >> (4 * (sub / 4))) & 15; }
  template <class C>
  static auto nibble(const C& c, unsigned sub) {
    return (c.word(0) >> (8 * (sub % 4) + 4 * (sub / 4))) & 15;
  }
  template <class C>
  static auto code(const C& c, unsigned sub, int g) {
    const unsigned group = 4 * sub + unsigned(g) / 2;
    return ((c.word(4 + 4 * (group / 2)) >> (16 * (group % 2))) & 0xFFFF) + kTrellisOffset;
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
