// The feed-forward network of RWKV.

#include "engine/forward/recurrence.h"
#include "engine/forward/run_block.h"
#include "engine/forward/token_shift.h"

namespace longhand {
namespace {

struct Room {
  Activations k, r;   // (rows, hidden) mixed with the token before
  float* inner;       // (rows, ff)
  float* receptance;  // (rows, hidden)

  Room(Carver& carver, const ChannelMixPlan& plan, const WorkspaceSizes& sizes) noexcept
      : k(carver, sizes.rows, plan.hidden),
        r(carver, plan.gated ? sizes.rows : 0, plan.hidden),
        inner(carver.floats(sizes.rows, plan.ff)),
        receptance(carver.floats(plan.gated ? sizes.rows : 0, plan.hidden)) {}
};

void mix(const Pass& p, const ChannelMixPlan& plan, const Room& room) {
  for_shifted_groups(p, plan.hidden, [&](const ShiftedGroup& group) {
    const auto part = [&](const float* lerp, const Activations& to, const Linear& reader) {
      shift_token(p, plan, group, lerp, to.row(group.row));
      to.round(p.kernels, group.row, group.cols, kinds_of({&reader}));
    };
    part(plan.lerp_k, room.k, plan.key);
    if (plan.gated) part(plan.lerp_r, room.r, plan.receptance);
  });
  p.worker.sync();
}

}  // namespace

ActKinds input_kinds(const ChannelMixPlan&) noexcept { return 0; }

std::int64_t widest_input(const ChannelMixPlan& plan) noexcept { return plan.ff; }

void measure(Carver& carver, const ChannelMixPlan& plan, const WorkspaceSizes& sizes) noexcept {
  Room(carver, plan, sizes);
}

void run(const Pass& p, const ChannelMixPlan& plan, float* out) noexcept {
  Carver carver(p.ws.room);
  const Room room(carver, plan, p.ws.sizes());
  const std::int64_t hidden = plan.hidden, ff = plan.ff;
  mix(p, plan, room);
  keep_last_token(p, plan);
  advance_states(p, plan);
  const std::array<MatmulJob, 2> jobs = {{{&plan.key, &room.k, 0, p.rows(), room.inner, ff},
                                          {&plan.receptance, &room.r, 0, p.rows(), room.receptance, hidden}}};
  p.multiply(std::span(jobs).first(plan.gated ? 2 : 1));
  p.worker.sync();
  p.for_groups(p.rows(), ff, [&](std::int64_t row, Range cols) {
    p.kernels.activate(Act::relu_squared, room.inner + row * ff + cols.begin, nullptr,
                       std::int32_t(cols.end - cols.begin), p.ws.in.row(row) + cols.begin);
    p.ws.in.round(p.kernels, row, cols, kinds_of({&plan.value}));
  });
  p.worker.sync();
  p.multiply({&plan.value, &p.ws.in, 0, p.rows(), out, hidden});
  p.worker.sync();
  if (!plan.gated) return;
  p.for_groups(p.rows(), hidden, [&](std::int64_t row, Range cols) {
    float* y = out + row * hidden + cols.begin;
    p.kernels.activate(Act::sigmoid, room.receptance + row * hidden + cols.begin, y,
                       std::int32_t(cols.end - cols.begin), y);
  });
  p.worker.sync();
}

}  // namespace longhand
