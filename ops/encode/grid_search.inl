// The entry of a grid that is nearest to a group of weights under a scale: exact, by bounds on halves of
// entries.
#pragma once

#include <bit>
#include <cstring>

#include "ops/encode/grid_index.h"
#include "ops/encode/scale_search.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

/// The levels of a grid times a scale.
template <int kLevels>
struct ScaledLevels {
  static_assert(kLevels == 3 || kLevels == 8);

  /// In lane i that of digit i % kLevels, and that of the digit above.
  Sixteen low, high;
  /// Twice what lies between two levels.
  float borders[kLevels - 1];

  ScaledLevels(const float* levels, float scale) {
    float of_low[16], of_high[16];
    for (int i = 0; i < 16; ++i) {
      of_low[i] = scale * levels[i % kLevels];
      of_high[i] = scale * levels[i / kLevels % kLevels];
    }
    low = Sixteen::load(of_low);
    high = Sixteen::load(of_high);
    for (int l = 0; l + 1 < kLevels; ++l) borders[l] = scale * (levels[l] + levels[l + 1]);
  }
};

/// What every number of a half costs: for a weight x with importance w, level l costs w (scale l)^2 - 2 w x
/// scale l, that is the error less w x^2.
template <int kLevels>
struct HalfCosts {
  static constexpr int kWeights = kLevels == 3 ? 4 : 2;
  static constexpr int kNumbers = kLevels == 3 ? 81 : 64;
  alignas(64) float cost[96];
  int cheapest;  // of all numbers

  /// wx and w: of the weights of the half.
  void set(const ScaledLevels<kLevels>& levels, const float* wx, const float* w) {
    const auto costs = [&](const Sixteen& level, int j) {
      return level * (level * Sixteen::of(w[j]) - Sixteen::of(2 * wx[j]));
    };
    if constexpr (kWeights == 2) {
      outer<8>(costs(levels.low, 0), costs(levels.low, 1));
    } else {
      outer<9>(costs(levels.low, 0) + costs(levels.high, 1), costs(levels.low, 2) + costs(levels.high, 3));
    }
    cheapest = 0;
    for (int j = kWeights - 1; j >= 0; --j) {
      int digit = 0;
      for (const float border : levels.borders) digit += 2 * wx[j] > border * w[j];
      cheapest = kLevels * cheapest + digit;
    }
  }
  float least() const { return cost[cheapest]; }

 private:
  // cost[i + n j] = a[i] + b[j]. Writes whole vectors, so a few too many at the end.
  template <int n>
  void outer(const Sixteen& a, const Sixteen& b) {
    float lane[16];
    b.store(lane);
    for (int j = 0; j < n; ++j) (a + Sixteen::of(lane[j])).store(cost + n * j);
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
      if (cost < best.cost) [[unlikely]]
        best = {cost, half, k};
    }
  };
  visit(first.cheapest);  // a bound for the others
  const Sixteen least = Sixteen::of(second.least());
  for (int from = 0; from < HalfCosts<kLevels>::kNumbers; from += 16) {
    // A byte is 1 where something better may stand.
    std::uint8_t may[16];
    store_bytes(where_greater(Sixteen::of(best.cost), Sixteen::load(first.cost + from) + least,
                              Sixteen::of(1), Sixteen::of(0)),
                may);
    for (int word = 0; word < 16; word += 8) {
      std::uint64_t bytes;
      std::memcpy(&bytes, may + word, sizeof bytes);
      for (; bytes != 0; bytes &= bytes - 1) {
        const int half = from + word + std::countr_zero(bytes) / 8;
        if (half < HalfCosts<kLevels>::kNumbers) visit(half);
      }
    }
  }
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
