// What RWKV's blocks see of the token before: its input, which for the first token of a pass the state holds.
#pragma once

#include "engine/forward/pass.h"

namespace longhand {

/// Columns of a row of a slice that can be rounded apart from others.
struct ShiftedGroup {
  const Slice& slice;
  int row;
  Range cols;
};

/// to = x + (previous x - x) * lerp for a group of ws.in. Whoever reads ws.in here does so between two
/// barriers that nobody writes to it between.
inline void shift_token(const Pass& p, const RecurrentPlan& plan, const ShiftedGroup& group,
                        const float* lerp, float* to) noexcept {
  const auto& [slice, row, cols] = group;
  const float *x = p.ws.in.row(row), *before = row > slice.first_row
                                                   ? p.ws.in.row(row - 1)
                                                   : slice.states.recurrent(plan.state).inputs();
  for (std::int64_t i = cols.begin; i < cols.end; ++i) to[i] = x[i] + (before[i] - x[i]) * lerp[i];
}

/// Leaves the last input of every slice in its state, once everybody has read what was there.
inline void keep_last_token(const Pass& p, const RecurrentPlan& plan) noexcept {
  if (p.worker.id != 0) return;
  for (const Slice& slice : p.slices)
    std::copy_n(p.ws.in.row(slice.first_row + slice.rows - 1), plan.hidden,
                slice.states.recurrent(plan.state).inputs());
}

/// f(group) for this worker's share of the values of all rows.
template <class Function>
void for_shifted_groups(const Pass& p, std::int64_t cols, const Function& f) noexcept {
  const std::int64_t groups = (cols + Activations::kGroup - 1) / Activations::kGroup;
  p.for_pieces(int(groups), [&](const Slice& slice, int row, int group) {
    const std::int64_t first = group * Activations::kGroup;
    f(ShiftedGroup{slice, row, {first, std::min(cols, first + Activations::kGroup)}});
  });
}

}  // namespace longhand
