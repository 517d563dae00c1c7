// Models whose tokens have several streams (see loaders/model/blocks/altup.h and hyper_mix.h): how they begin
// and end.
#pragma once

#include "engine/forward/pass.h"

namespace longhand {

/// Stream k > 0 = enter[k - 1] x, scaled to the length of x, which is the first stream; or all are x, where
/// streams have hyper-connections. Called by every worker, after each has embedded its rows.
void enter_streams(const Pass& pass) noexcept;
/// x = the mean of x and of leave[k - 1] (stream k), scaled to the length of x; or what HyperEnd says. Called
/// by every worker, after all have met.
void leave_streams(const Pass& pass) noexcept;

/// to (rows, outputs) = linear(norm(all streams of a row, side by side)). Called by every worker; ends with a
/// barrier.
void multiply_streams(const Pass& pass, const NormPlan& norm, const Linear& linear, float* to) noexcept;
/// x of a row = the sum over its streams of (sigmoid(m_c) + epsilon) X_c.
void sum_streams(const Pass& pass, const float* m, float epsilon, int row) noexcept;

}  // namespace longhand
