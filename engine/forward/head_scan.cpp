#include "engine/forward/head_scan.h"

#include <algorithm>
#include <cmath>

#include "engine/forward/recurrence.h"

namespace longhand {
namespace {

// Every head's time step and decay of each row.
void settle_steps(const Pass& p, const HeadScanPlan& plan, const HeadScanRows& rows) {
  const std::int32_t heads = plan.heads;
  p.for_rows([&](int row) {
    const float* step = rows.steps + row * rows.steps_stride;
    float *dt = rows.dt + std::int64_t{row} * heads, *decay = rows.decay + std::int64_t{row} * heads;
    std::copy_n(step, heads, dt);
    if (plan.dt_bias != nullptr) p.kernels.add(dt, plan.dt_bias, heads);
    p.kernels.activate(Act::softplus, dt, nullptr, heads, dt);
    for (int h = 0; h < heads; ++h) decay[h] = dt[h] * plan.a[h];
    p.kernels.activate(Act::exp, decay, nullptr, heads, decay);
  });
  p.worker.sync();
}

// One head of one slice.
void scan_head(const Pass& p, const HeadScanPlan& plan, const HeadScanRows& rows, const Slice& slice,
               int head) {
  const std::int64_t n = plan.head_dim;
  const std::int64_t group = std::int64_t{head} / (plan.heads / plan.groups) * plan.state_size;
  float* state = slice.states.recurrent(plan.state).values() + head * plan.head_values();
  const auto token_of = [&](std::int64_t row) {
    const std::int64_t at = row * plan.heads + head;
    const float *b = rows.b + row * rows.bc_stride + group, *c = rows.c + row * rows.bc_stride + group,
                *x = rows.x + row * rows.x_stride + head * n;
    float* out = rows.out + row * plan.inner() + head * n;
    return DplrToken{c, b, x, rows.decay + at, nullptr, nullptr, rows.dt[at], out};
  };
  for_token_pieces<DplrToken>(slice, token_of, [&](std::span<const DplrToken> tokens) {
    p.kernels.dplr_rule({.token = tokens.data(),
                         .tokens = std::int32_t(tokens.size()),
                         .key_dim = plan.state_size,
                         .value_dim = plan.head_dim,
                         .decay_step = 0,
                         .state = state,
                         .state_stride = plan.stride()});
    for (const DplrToken& t : tokens) p.kernels.add_scaled(t.out, t.value, plan.d[head], plan.head_dim);
  });
}

}  // namespace

void scan_heads(const Pass& p, const HeadScanPlan& plan, const HeadScanRows& rows) noexcept {
  settle_steps(p, plan, rows);
  for_heads(p, plan.heads, [&](const Slice& slice, int head) { scan_head(p, plan, rows, slice, head); });
}

}  // namespace longhand
