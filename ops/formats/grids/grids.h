// The grids of IQ1, IQ2 and IQ3: a few bits of the file choose an entry, which has the magnitudes of eight or
// of four weights. Signs come apart from it.
#pragma once

#include <cstddef>

#include "ops/format_info.h"
#include "ops/half.h"

namespace longhand {

/// n entries, one a word.
template <std::size_t n>
struct Grid {
  std::uint32_t words[n];
};

// Defined in ops/grids.cpp. Entries of eight weights: nibble 2 j and nibble 2 j + 1 are the codes of weights
// j and j + 4.
extern const Grid<2048> kIq1Grid;  // codes: weight + 1
extern const Grid<256> kIq2XxsGrid;
extern const Grid<512> kIq2XsGrid;
extern const Grid<1024> kIq2SGrid;
// Entries of four weights: byte j is the magnitude of weight j.
extern const Grid<256> kIq3XxsGrid;
extern const Grid<512> kIq3SGrid;

inline namespace LONGHAND_UNIT {

/// The code of weight j of an entry of eight.
inline int grid_code(std::uint32_t entry, int j) { return int(entry >> (8 * (j % 4) + 4 * (j / 4)) & 15); }
/// The codes of four neighbouring weights, the first four or the last of an entry of eight.
template <class I>
I grid_codes(I entry, int half) {
  return (entry >> (4 * half)) & 0x0F0F0F0F;
}

/// Seven signs of eight weights and an eighth that makes the number of negative ones even.
inline unsigned eight_signs(unsigned seven) { return seven | unsigned(std::popcount(seven) & 1) << 7; }
/// The signs of the first or the last four weights of eight that have such a code.
template <class I>
I four_signs(I seven, int half) {
  if (half == 0) return seven & 15;
  I parity = seven ^ (seven >> 4);
  parity = parity ^ (parity >> 2);
  parity = parity ^ (parity >> 1);
  return ((seven >> 4) & 7) | ((parity & 1) << 3);
}
/// Bit j of a nibble becomes the lowest bit of byte j.
template <class I>
I bits_to_bytes(I nibble) {
  const I pairs = (nibble | (nibble << 14)) & 0x00030003;
  return (pairs | (pairs << 7)) & 0x01010101;
}
/// Bytes 1..127, of which those are negated whose bit of the nibble is set.
template <class I>
I with_signs(I magnitudes, I nibble) {
  const I ones = bits_to_bytes(nibble);
  return (magnitudes ^ ((ones << 8) - ones)) + ones;  // -m is ~m + 1, which carries only from m = 0
}

/// What IQ2 and IQ3 have in common. They multiply a magnitude by an odd number, 2 s + 1.
struct GridFormat {
  static constexpr bool kGrid = true;
  static constexpr bool kSigned = true;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMin = false;

  template <class C>
  static auto d(const C& c) {
    return c.half(0);
  }
};

/// Magnitudes of IQ2 by their code.
inline constexpr std::int8_t kIq2Levels[16] = {8, 25, 43};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
