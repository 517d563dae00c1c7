// The entry of a grid that is nearest to a group of weights under a scale: exact, by bounds on halves of
// entries.
#pragma once

#include "ops/encode/grid_index.h"
#include "ops/encode/scale_search.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

/// What every number of a half costs: for a weight x with importance w, level l costs w (scale l)^2 - 2 w x
/// scale l, that is the error less w x^2.
template <int kLevels>
struct HalfCosts {
  static constexpr int kWeights = kLevels == 3 ? 4 : 2;
  alignas(64) float cost[96];
  float least = 0;   // of all numbers
  int cheapest = 0;  // which has it

  /// scaled: the levels times the scale; wx and w: of the weights of the half.
  HalfCosts(const float* scaled, const float* wx, const float* w) {
    float by_level[4][16] = {};  // what the level of one weight costs
    int digit = 1;
    for (int j = 0; j < kWeights; ++j, digit *= kLevels) {
      int best = 0;
      for (int l = 0; l < kLevels; ++l) {
        by_level[j][l] = scaled[l] * (scaled[l] * w[j] - 2 * wx[j]);
        if (by_level[j][l] < by_level[j][best]) best = l;
      }
      least += by_level[j][best];
      cheapest += best * digit;
    }
    if constexpr (kWeights == 2) {
      outer<8>(by_level[0], by_level[1], cost);
    } else {
      float low[32] = {}, high[32] = {};
      outer<3>(by_level[0], by_level[1], low);
      outer<3>(by_level[2], by_level[3], high);
      outer<9>(low, high, cost);
    }
  }

 private:
  // to[i + n j] = a[i] + b[j]. Writes whole vectors, so up to 16 - n too much at the end; reads 16 of a.
  template <int n>
  static void outer(const float* a, const float* b, float* to) {
    const Sixteen row = Sixteen::load(a);
    for (int j = 0; j < n; ++j) (row + Sixteen::of(b[j])).store(to + n * j);
  }
};

struct GridChoice {
  float cost;
  int first;  // half
  int at;     // in the index
};

/// Goes through the entries that may cost less than `best`.
template <int kLevels>
void search_grid(const GridIndex& index, const HalfCosts<kLevels>& first, const HalfCosts<kLevels>& second,
                 GridChoice& best) {
  const auto visit = [&](int half) {
    for (int k = index.begin[half]; k < index.begin[half + 1]; ++k) {
      const float cost = first.cost[half] + second.cost[index.second[k]];
      if (cost < best.cost) best = {cost, half, k};
    }
  };
  visit(first.cheapest);  // a bound for the others
  for (int half = 0; half < index.halves; ++half) {
    if (first.cost[half] + second.least < best.cost) visit(half);
  }
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
