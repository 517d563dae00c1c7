// How the entries of a grid become words.
#pragma once

#include "ops/formats/grids/grids.h"

namespace longhand {

// Spreads entries so that one word holds a byte for each of four weights, or two nibbles for eight.
template <std::size_t n, class Spread>
constexpr Grid<n> spread(const std::uint16_t (&entries)[n], Spread one) {
  Grid<n> grid{};
  for (std::size_t i = 0; i < n; ++i) grid.words[i] = one(entries[i]);
  return grid;
}
inline constexpr auto kEight = [](std::uint32_t entry) {
  std::uint32_t word = 0;
  for (int j = 0; j < 8; ++j) word |= (entry >> (2 * j) & 3) << (8 * (j % 4) + 4 * (j / 4));
  return word;
};
inline constexpr auto kLevels = [](const std::uint8_t (&levels)[8], std::uint32_t entry) {
  std::uint32_t word = 0;
  for (int j = 0; j < 4; ++j) word |= std::uint32_t(levels[entry >> (4 * j) & 7]) << (8 * j);
  return word;
};
inline constexpr std::uint8_t kIq3XxsLevels[8] = {4, 12, 20, 28, 36, 44, 52, 62};
inline constexpr std::uint8_t kIq3SLevels[8] = {1, 3, 5, 7, 9, 11, 13, 15};

}  // namespace longhand
