// Mamba-2.
//
// Prompts take the recurrence token by token as single tokens do, so that a result does not depend on how a
// text was cut into batches.

#include "engine/forward/causal_conv.h"
#include "engine/forward/head_scan.h"
#include "engine/forward/recurrence.h"
#include "engine/forward/run_block.h"

namespace longhand {
namespace {

struct Room {
  float* projected;   // (rows, in_rows): z, x B C before the convolution, time steps
  float* mixed;       // (rows, channels): x, B, C
  float *dt, *decay;  // (rows, heads)
  float* result;      // (rows, inner)

  Room(Carver& carver, const Mamba2Plan& plan, const WorkspaceSizes& sizes) noexcept
      : projected(carver.floats(sizes.rows, plan.in_rows())),
        mixed(carver.floats(sizes.rows, plan.conv.channels)),
        dt(carver.floats(sizes.rows, plan.heads)),
        decay(carver.floats(sizes.rows, plan.heads)),
        result(carver.floats(sizes.rows, plan.inner())) {}
};

HeadScanRows scan_rows(const Mamba2Plan& plan, const Room& room) {
  const std::int64_t inner = plan.inner(), channels = plan.conv.channels;
  const float* b = room.mixed + inner;
  return {.x = room.mixed,
          .x_stride = channels,
          .b = b,
          .c = b + plan.group_values(),
          .bc_stride = channels,
          .steps = room.projected + inner + channels,
          .steps_stride = plan.in_rows(),
          .dt = room.dt,
          .decay = room.decay,
          .out = room.result};
}

// ws.in = norm(silu(z) result), group by group.
void finish(const Pass& p, const Mamba2Plan& plan, const Room& room) {
  const auto n = std::int32_t(plan.inner() / plan.groups);
  p.for_pieces(plan.groups, [&](const Slice&, int row, int group) {
    const std::int64_t at = std::int64_t{group} * n;
    float* to = p.ws.in.row(row) + at;
    p.kernels.activate(Act::silu, room.projected + row * plan.in_rows() + at,
                       room.result + row * plan.inner() + at, n, to);
    if (plan.norm.empty()) return;
    p.norm(plan.norm.from(at), to, n, to);
  });
  p.worker.sync();
  p.round(p.ws.in, p.rows(), plan.inner(), kinds_of({&plan.out}));
}

}  // namespace

ActKinds input_kinds(const Mamba2Plan& plan) noexcept { return kinds_of({&plan.in}); }

std::int64_t widest_input(const Mamba2Plan& plan) noexcept { return plan.inner(); }

void measure(Carver& carver, const Mamba2Plan& plan, const WorkspaceSizes& sizes) noexcept {
  Room(carver, plan, sizes);
}

void run(const Pass& p, const Mamba2Plan& plan, float* out) noexcept {
  Carver carver(p.ws.room);
  const Room room(carver, plan, p.ws.sizes());
  p.multiply({&plan.in, &p.ws.in, 0, p.rows(), room.projected, plan.in_rows()});
  p.worker.sync();
  convolve(p, plan, {room.projected + plan.inner(), plan.in_rows(), room.mixed, true});
  scan_heads(p, plan, scan_rows(plan, room));
  finish(p, plan, room);
  finish_recurrence(p, plan, out);
}

}  // namespace longhand
