// Eight weights of a grid format under a scale: entries, and signs or a shift.
#pragma once

#include <limits>

#include "ops/encode/grid_search.inl"
#include "ops/formats/grids/grids.h"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

/// What eight weights are written as.
struct GridCode {
  std::uint16_t entry[2];  // two of four weights, or one of eight
  std::uint8_t signs = 0;  // bit j: weight j is negative
  bool less = false;       // IQ1: the weights of the entry are an eighth less, not more
  float cost = 0;          // the error less the sum of w x^2
  float xl = 0, ll = 0;    // sums of w x level and w level^2
};

/// Adds up xl and ll. levels[code] are those of a half's digits.
template <int kLevels>
void add_sums(unsigned half, const float* levels, const float* wx, const float* w, GridCode& code) {
  for (int j = 0; j < HalfCosts<kLevels>::kWeights; ++j, half /= kLevels) {
    const float level = levels[half % kLevels];
    code.xl += wx[j] * level;
    code.ll += w[j] * level * level;
  }
}

/// The levels of a grid, and how many weights an entry has.
template <int kLevels>
struct GridLevels {
  static constexpr int kEntryWeights = 2 * HalfCosts<kLevels>::kWeights, kEntries = 8 / kEntryWeights;

  const GridIndex* index;
  float level[kLevels];
};

/// The best entry for weights that may have signs; wx are w times weights.
template <int kLevels>
GridChoice best_entry(const GridLevels<kLevels>& grid, const float* scaled, const float* wx, const float* w) {
  constexpr int kHalf = HalfCosts<kLevels>::kWeights;
  const HalfCosts<kLevels> first(scaled, wx, w), second(scaled, wx + kHalf, w + kHalf);
  GridChoice best{std::numeric_limits<float>::infinity(), 0, 0};
  search_grid(*grid.index, first, second, best);
  return best;
}

/// Turns the sign of one weight, so that the number of negative ones becomes even; that which costs least, of
/// those that have least to lose.
template <int kLevels>
void turn_one_sign(const GridLevels<kLevels>& grid, const float* scaled, const float* w, float* wx,
                   GridChoice* choice, unsigned& negative) {
  constexpr int kTried = 3;
  using Levels = GridLevels<kLevels>;
  float least = std::numeric_limits<float>::infinity();
  int turned = 0;
  GridChoice turned_choice = choice[0];
  unsigned seen = 0;
  for (int tried = 0; tried < kTried; ++tried) {
    int j = -1;
    for (int i = 0; i < 8; ++i) {
      if (!(seen >> i & 1) && (j < 0 || wx[i] < wx[j])) j = i;
    }
    seen |= 1u << j;
    const int e = j / Levels::kEntryWeights;
    wx[j] = -wx[j];
    const GridChoice other =
        best_entry(grid, scaled, wx + e * Levels::kEntryWeights, w + e * Levels::kEntryWeights);
    wx[j] = -wx[j];
    if (other.cost - choice[e].cost < least) {
      least = other.cost - choice[e].cost;
      turned = j;
      turned_choice = other;
    }
  }
  wx[turned] = -wx[turned];
  choice[turned / Levels::kEntryWeights] = turned_choice;
  negative ^= 1u << turned;
}

/// Chooses entries for eight magnitudes, or for eight weights with signs where levels have them. even: the
/// number of negative weights must be.
template <int kLevels>
GridCode encode_eight(const GridLevels<kLevels>& grid, bool even, float scale, unsigned negative,
                      const float* wx, const float* w) {
  constexpr int kEntries = GridLevels<kLevels>::kEntries, kWeights = GridLevels<kLevels>::kEntryWeights;
  float scaled[kLevels], turned[8];
  for (int l = 0; l < kLevels; ++l) scaled[l] = scale * grid.level[l];
  for (int j = 0; j < 8; ++j) turned[j] = wx[j];
  GridChoice choice[kEntries];
  for (int e = 0; e < kEntries; ++e)
    choice[e] = best_entry(grid, scaled, wx + e * kWeights, w + e * kWeights);
  if (even && std::popcount(negative) % 2 != 0) turn_one_sign(grid, scaled, w, turned, choice, negative);
  GridCode code{};
  code.signs = std::uint8_t(negative);
  for (int e = 0; e < kEntries; ++e) {
    const GridIndex& index = *grid.index;
    code.entry[e] = index.entry[choice[e].at];
    code.cost += choice[e].cost;
    const int at = e * kWeights;
    add_sums<kLevels>(unsigned(choice[e].first), grid.level, turned + at, w + at, code);
    add_sums<kLevels>(index.second[choice[e].at], grid.level, turned + at + kWeights / 2,
                      w + at + kWeights / 2, code);
  }
  return code;
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
