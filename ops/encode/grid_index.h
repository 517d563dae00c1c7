// The entries of the grids in the order that a search goes through them.
#pragma once

#include <cstdint>

namespace longhand {

/// Entries with the same first half of their codes stand together. A half is a number: of four codes 0..2
/// with base 3, of two codes 0..7 with base 8, the first code lowest.
struct GridIndex {
  static constexpr int kMostHalves = 81, kMostEntries = 2048;

  int halves;                            // how many numbers a half can be
  std::uint16_t begin[kMostHalves + 1];  // where the entries with a first half begin
  std::uint8_t second[kMostEntries];     // the other half of each
  std::uint16_t entry[kMostEntries];     // its number in the grid
};

/// The index of a grid of ops/formats/grids/grids.h; made once.
const GridIndex& iq1_index() noexcept;
const GridIndex& iq2_xxs_index() noexcept;
const GridIndex& iq2_xs_index() noexcept;
const GridIndex& iq2_s_index() noexcept;
const GridIndex& iq3_xxs_index() noexcept;
const GridIndex& iq3_s_index() noexcept;

}  // namespace longhand
