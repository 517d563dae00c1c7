#include "ops/encode/grid_index.h"

#include "ops/formats/grids/grids.h"

namespace longhand {
namespace {

unsigned half_of_eight(std::uint32_t entry, int half) {
  unsigned number = 0;
  for (int j = 3; j >= 0; --j) number = 3 * number + unsigned(grid_code(entry, 4 * half + j));
  return number;
}

// Levels are 8 or 2 apart, but for the last, and begin with half of that.
unsigned half_of_four(std::uint32_t entry, int half, unsigned apart) {
  const unsigned pair = entry >> (16 * half);
  return (pair & 255) / apart + 8 * ((pair >> 8 & 255) / apart);
}

template <std::size_t n, class Half>
GridIndex make_index(const Grid<n>& grid, int halves, const Half& half) {
  GridIndex index{};
  index.halves = halves;
  std::size_t at = 0;
  for (unsigned first = 0; first < unsigned(halves); ++first) {
    index.begin[first] = std::uint16_t(at);
    for (std::size_t i = 0; i < n; ++i) {
      if (half(grid.words[i], 0) != first) continue;
      index.second[at] = std::uint8_t(half(grid.words[i], 1));
      index.entry[at++] = std::uint16_t(i);
    }
  }
  index.begin[halves] = std::uint16_t(at);
  return index;
}

template <std::size_t n>
GridIndex index_of_eights(const Grid<n>& grid) {
  return make_index(grid, 81, half_of_eight);
}
template <std::size_t n>
GridIndex index_of_fours(const Grid<n>& grid, unsigned apart) {
  return make_index(grid, 64,
                    [apart](std::uint32_t entry, int half) { return half_of_four(entry, half, apart); });
}

}  // namespace

const GridIndex& iq1_index() noexcept {
  static const GridIndex index = index_of_eights(kIq1Grid);
  return index;
}
const GridIndex& iq2_xxs_index() noexcept {
  static const GridIndex index = index_of_eights(kIq2XxsGrid);
  return index;
}
const GridIndex& iq2_xs_index() noexcept {
  static const GridIndex index = index_of_eights(kIq2XsGrid);
  return index;
}
const GridIndex& iq2_s_index() noexcept {
  static const GridIndex index = index_of_eights(kIq2SGrid);
  return index;
}
const GridIndex& iq3_xxs_index() noexcept {
  static const GridIndex index = index_of_fours(kIq3XxsGrid, 8);
  return index;
}
const GridIndex& iq3_s_index() noexcept {
  static const GridIndex index = index_of_fours(kIq3SGrid, 2);
  return index;
}

}  // namespace longhand
