// Encoders of formats that choose entries of a grid: runs of weights with an odd multiple of d, d * (2 s +
// 1).
#pragma once

#include "ops/encode/encoder.inl"
#include "ops/encode/grid_unit.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

/// Scales that a run of weights tries first: they take its largest weight to the largest level times 1 /
/// part, for parts from `from` to `to`.
struct Parts {
  float from, to;
};

/// IQ2 and IQ3: magnitudes, and signs apart. FreeLevels: those of a weight. run: weights that share a scale.
template <class FreeLevels, int kLevels, int run, bool even>
struct SignedGrid {
  using Free = FreeLevels;
  static constexpr int kRun = run, kScales = 16;
  static constexpr bool kMagnitudes = true;

  GridLevels<kLevels> grid;

  float largest() const { return grid.level[kLevels - 1]; }
  /// Writes the run / 8 units of a run under a scale.
  void fit(float scale, const std::uint8_t* negative, const float* wx, const float* w, GridCode* code) const {
    for (int u = 0; u < kRun / 8; ++u)
      code[u] = encode_eight(grid, even, scale, negative[u], wx + 8 * u, w + 8 * u);
  }
};

/// IQ1: weights with signs, an eighth more or less.
struct ShiftedLevels {
  using Free = WholeLevels<-1, 1>;
  static constexpr int kScales = 8;
  static constexpr bool kMagnitudes = false;

  GridLevels<3> more{&iq1_index(), {-0.875f, 0.125f, 1.125f}}, less{&iq1_index(), {-1.125f, -0.125f, 0.875f}};

  float largest() const { return more.level[2]; }
};

/// IQ1_M: eight weights are more, or less. The more promising is searched first, which spares most of the
/// other search.
struct ShiftedUnits : ShiftedLevels {
  static constexpr int kRun = 16;

  void fit(float scale, const std::uint8_t*, const float* wx, const float* w, GridCode* code) const {
    for (int u = 0; u < kRun / 8; ++u) {
      EightWeights<3> up(more, scale, wx + 8 * u, w + 8 * u), down(less, scale, wx + 8 * u, w + 8 * u);
      const bool down_first = down.bound() < up.bound();
      EightWeights<3>&first = down_first ? down : up, &second = down_first ? up : down;
      first.search();
      const bool other = second.bound() < first.cost() && second.search_below(first.cost());
      code[u] = (other ? second : first).code(0);
      code[u].less = other != down_first;
    }
  }
};

/// IQ1_S: all of a run are more, or all are less.
struct ShiftedRuns : ShiftedLevels {
  static constexpr int kRun = 32;

  void fit(float scale, const std::uint8_t*, const float* wx, const float* w, GridCode* code) const {
    Units up(more, scale, wx, w), down(less, scale, wx, w);
    const bool down_first = down.bound < up.bound;
    Units &first = down_first ? down : up, &second = down_first ? up : down;
    const float cost = first.search(std::numeric_limits<float>::infinity());
    const bool other = second.search(cost) < cost;
    for (int u = 0; u < 4; ++u) {
      code[u] = (other ? second : first).unit[u].code(0);
      code[u].less = other != down_first;
    }
  }

 private:
  struct Units {
    EightWeights<3> unit[4];
    float bound = 0;

    Units(const GridLevels<3>& grid, float scale, const float* wx, const float* w)
        : unit{{grid, scale, wx, w},
               {grid, scale, wx + 8, w + 8},
               {grid, scale, wx + 16, w + 16},
               {grid, scale, wx + 24, w + 24}} {
      for (const auto& one : unit) bound += one.bound();
    }
    // What all cost; or, once that is known to be `limit` or more, something not below it.
    float search(float limit) {
      float cost = bound;
      for (auto& one : unit) {
        if (!(cost < limit)) return cost;
        one.search();
        cost += one.cost() - one.bound();
      }
      return cost;
    }
  };
};

/// The scales and codes of a block of 256 weights.
template <class Grid>
class GridBlock {
 public:
  static constexpr int kRuns = 256 / Grid::kRun, kUnits = Grid::kRun / 8;

  int scale[kRuns];  // s of 2 s + 1
  GridCode code[32];

  /// The format multiplies a level by d / divisor.
  GridBlock(const Grid& grid, const Parts& parts, float divisor, const float* src, const float* importance)
      : grid_(grid), b_(src, importance), divisor_(divisor) {
    prepare();
    set_first_d(parts);
    cost_ = choose_under(d_, 1, scale, code);
    keep_scales();
    for (int round = 0; round < kRounds && improve(); ++round) {}
  }
  std::uint16_t d() const { return b_.half(d_ * divisor_); }

 private:
  static constexpr int kRounds = 2;
  using Whole = OddLevels<Grid::kScales>;

  struct Run {
    float scale, cost;
    float xl, ll;
  };
  Grid grid_;
  Weights<256> b_;
  float divisor_, d_, cost_;
  float wanted_[16] = {};               // scales of runs before they are rounded
  alignas(64) float y_[256], wx_[256];  // weights or their magnitudes, and w times them
  std::uint8_t negative_[32] = {};

  void prepare();
  Run fit(int run, float scale, GridCode* to) const;
  void set_first_d(const Parts& parts);
  float choose_under(float d, int reach, int* scales, GridCode* codes) const;
  bool improve();
  void keep_scales() {
    for (int run = 0; run < kRuns; ++run) wanted_[run] = d_ * float(2 * scale[run] + 1);
  }
};

template <class Grid>
void GridBlock<Grid>::prepare() {
  for (int i = 0; i < 256; ++i) {
    const bool turn = Grid::kMagnitudes && b_.x[i] < 0;
    if (turn) negative_[i / 8] = std::uint8_t(negative_[i / 8] | 1 << (i % 8));
    y_[i] = turn ? -b_.x[i] : b_.x[i];
    wx_[i] = b_.w[i] * y_[i];
  }
}

// Codes of a run under a scale, and what they sum up to.
template <class Grid>
typename GridBlock<Grid>::Run GridBlock<Grid>::fit(int run, float scale, GridCode* to) const {
  const int at = run * Grid::kRun;
  grid_.fit(scale, negative_ + run * kUnits, wx_ + at, b_.w + at, to);
  Run sum{scale, 0, 0, 0};
  for (int u = 0; u < kUnits; ++u) {
    sum.cost += to[u].cost;
    sum.xl += to[u].xl;
    sum.ll += to[u].ll;
  }
  return sum;
}

// Scales the runs would have alone. Levels that are free of any grid tell where to look.
template <class Grid>
void GridBlock<Grid>::set_first_d(const Parts& parts) {
  constexpr float kNear[] = {0.87f, 0.96f, 1.05f, 1.15f};
  const Sixteen part = steps(parts.from, (parts.to - parts.from) / 15);
  float weight[kRuns];
  for (int run = 0; run < kRuns; ++run) {
    const int at = run * Grid::kRun;
    const float top = extreme(y_ + at, Grid::kRun) / grid_.largest();
    const Sixteen inverse = Sixteen::of(inverse_of(top < 0 ? -top : top)) / part;
    const float free = best_scale<typename Grid::Free>(y_ + at, b_.w + at, Grid::kRun, inverse, 1).scale;
    GridCode ignored[kUnits];
    Run best{0, 0, 0, 0};
    const auto try_scale = [&](float s) {
      const Run r = fit(run, s, ignored);
      // With the scale that is best for these codes.
      if (r.ll > 0 && r.xl > 0 && r.xl * r.xl / r.ll > -best.cost)
        best = {r.xl / r.ll, -r.xl * r.xl / r.ll, r.xl, r.ll};
    };
    for (const float near : kNear) try_scale(free * near);
    if (best.ll > 0) try_scale(best.scale);
    wanted_[run] = best.scale;
    weight[run] = best.ll;
  }
  const Sixteen inverse = steps(Whole::kHigh, -1) * Sixteen::of(inverse_of(extreme(wanted_, 16)));
  d_ = b_.rounded_to_half(best_scale<Whole>(wanted_, weight, kRuns, inverse, 1).scale * divisor_) / divisor_;
}

// Of the odd multiples of d that are next to the scale a run wants, and of `reach` more on either side, the
// one that costs least.
template <class Grid>
float GridBlock<Grid>::choose_under(float d, int reach, int* scales, GridCode* codes) const {
  float total = 0;
  const Sixteen inverse = Sixteen::of(inverse_of(d));
  for (int run = 0; run < kRuns; ++run) {
    const Sixteen odd = Whole::nearest(Sixteen::of(wanted_[run]) * inverse);
    const int middle = int(lane_of(odd, 0)) / 2;
    float least = std::numeric_limits<float>::infinity();
    const int last = middle + reach < Grid::kScales ? middle + reach : Grid::kScales - 1;
    for (int s = middle > reach ? middle - reach : 0; s <= last; ++s) {
      GridCode found[kUnits];
      const Run r = fit(run, d * float(2 * s + 1), found);
      if (!(r.cost < least) && least < std::numeric_limits<float>::infinity()) continue;
      least = r.cost;
      scales[run] = s;
      for (int u = 0; u < kUnits; ++u) codes[run * kUnits + u] = found[u];
    }
    total += least;
  }
  return total;
}

// The d that is best for the codes chosen, and the codes under it.
template <class Grid>
bool GridBlock<Grid>::improve() {
  float xl = 0, ll = 0;
  for (int u = 0; u < 32; ++u) {
    const float odd = float(2 * scale[u / kUnits] + 1);
    xl += odd * code[u].xl;
    ll += odd * odd * code[u].ll;
  }
  const float d = b_.rounded_to_half(xl / ll * divisor_) / divisor_;
  if (!(d > 0) || d == d_) return false;
  int scales[kRuns];
  GridCode codes[32];
  const float cost = choose_under(d, 0, scales, codes);
  if (!(cost < cost_)) return false;
  d_ = d;
  cost_ = cost;
  for (int run = 0; run < kRuns; ++run) scale[run] = scales[run];
  for (int u = 0; u < 32; ++u) code[u] = codes[u];
  keep_scales();
  return true;
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
