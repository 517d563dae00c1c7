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

/// The search for the entries of eight weights, which may have signs; wx are w times weights.
template <int kLevels>
class EightWeights {
 public:
  EightWeights(const GridLevels<kLevels>& grid, float scale, const float* wx, const float* w)
      : grid_(grid), levels_(grid.level, scale), w_(w) {
    for (int j = 0; j < 8; ++j) wx_[j] = wx[j];
    for (int h = 0; h < kHalves; ++h) half_[h].set(levels_, wx_ + h * kHalf, w_ + h * kHalf);
  }
  /// No choice costs less.
  float bound() const {
    float sum = 0;
    for (const auto& half : half_) sum += half.least();
    return sum;
  }
  void search() {
    for (int e = 0; e < kEntries; ++e) {
      choice_[e] = {std::numeric_limits<float>::infinity(), 0, 0};
      search_grid(*grid_.index, half_[2 * e], half_[2 * e + 1], choice_[e]);
    }
  }
  /// Of one entry: whether there is one that costs less than `limit`.
  bool search_below(float limit) {
    static_assert(kEntries == 1);
    choice_[0] = {limit, 0, 0};
    search_grid(*grid_.index, half_[0], half_[1], choice_[0]);
    return choice_[0].cost < limit;
  }
  float cost() const { return choice_[0].cost; }
  int turn_one_sign();
  GridCode code(unsigned negative) const;

 private:
  static constexpr int kEntries = GridLevels<kLevels>::kEntries;
  static constexpr int kHalf = HalfCosts<kLevels>::kWeights, kHalves = 8 / kHalf;
  static constexpr int kTried = 3;

  const GridLevels<kLevels>& grid_;
  ScaledLevels<kLevels> levels_;
  const float* w_;
  float wx_[8];
  HalfCosts<kLevels> half_[kHalves];
  GridChoice choice_[kEntries] = {};
};

/// Turns the sign of one weight: that which costs least, of those that have least to lose. Returns which.
template <int kLevels>
int EightWeights<kLevels>::turn_one_sign() {
  float least = std::numeric_limits<float>::infinity();
  int turned = 0;
  GridChoice turned_choice = choice_[0];
  unsigned seen = 0;
  for (int tried = 0; tried < kTried; ++tried) {
    int j = -1;
    for (int i = 0; i < 8; ++i) {
      if (!(seen >> i & 1) && (j < 0 || wx_[i] < wx_[j])) j = i;
    }
    seen |= 1u << j;
    const int h = j / kHalf, e = h / 2;
    HalfCosts<kLevels> other;
    wx_[j] = -wx_[j];
    other.set(levels_, wx_ + h * kHalf, w_ + h * kHalf);
    wx_[j] = -wx_[j];
    GridChoice choice = choice_[e];
    choice.cost += least;
    const float bound = choice.cost;
    search_grid(*grid_.index, h % 2 == 0 ? other : half_[h - 1], h % 2 == 0 ? half_[h + 1] : other, choice);
    if (choice.cost < bound) {
      least = choice.cost - choice_[e].cost;
      turned = j;
      turned_choice = choice;
    }
  }
  wx_[turned] = -wx_[turned];
  choice_[turned / (2 * kHalf)] = turned_choice;
  return turned;
}

template <int kLevels>
GridCode EightWeights<kLevels>::code(unsigned negative) const {
  GridCode code{};
  code.signs = std::uint8_t(negative);
  for (int e = 0; e < kEntries; ++e) {
    const GridIndex& index = *grid_.index;
    const GridChoice& choice = choice_[e];
    code.entry[e] = index.entry[choice.at];
    code.cost += choice.cost;
    const int at = e * 2 * kHalf;
    add_sums<kLevels>(unsigned(choice.first), grid_.level, wx_ + at, w_ + at, code);
    add_sums<kLevels>(index.second[choice.at], grid_.level, wx_ + at + kHalf, w_ + at + kHalf, code);
  }
  return code;
}

/// Chooses entries for eight magnitudes, or for eight weights with signs where levels have them. even: the
/// number of negative weights must be.
template <int kLevels>
GridCode encode_eight(const GridLevels<kLevels>& grid, bool even, float scale, unsigned negative,
                      const float* wx, const float* w) {
  EightWeights<kLevels> eight(grid, scale, wx, w);
  eight.search();
  if (even && std::popcount(negative) % 2 != 0) negative ^= 1u << eight.turn_one_sign();
  return eight.code(negative);
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
