// Mamba with time steps of heads.

#include <algorithm>

#include "engine/forward/causal_conv.h"
#include "engine/forward/head_scan.h"
#include "engine/forward/recurrence.h"
#include "engine/forward/run_block.h"
#include "engine/forward/scan_inputs.h"

namespace longhand {
namespace {

struct Room {
  float* projected;  // (rows, 2 inner): z and x of every head
  float* x;          // (rows, inner) before the convolution
  float* mixed;      // (rows, inner) and after it
  ScanInputsRoom inputs;
  float *dt, *decay;  // (rows, heads)
  float* result;      // (rows, inner)

  Room(Carver& carver, const MambaHeadsPlan& plan, const WorkspaceSizes& sizes) noexcept
      : projected(carver.floats(sizes.rows, 2 * plan.inner())),
        x(carver.floats(sizes.rows, plan.inner())),
        mixed(carver.floats(sizes.rows, plan.inner())),
        inputs(carver, plan.inputs, plan.heads, sizes.rows),
        dt(carver.floats(sizes.rows, plan.heads)),
        decay(carver.floats(sizes.rows, plan.heads)),
        result(carver.floats(sizes.rows, plan.inner())) {}
};

// The x of every head side by side.
void gather_x(const Pass& p, const MambaHeadsPlan& plan, const Room& room) {
  const std::int64_t n = plan.head_dim;
  p.for_pieces(plan.heads, [&](const Slice&, int row, int head) {
    const std::int64_t at = row * plan.inner() + head * n;
    std::copy_n(room.projected + 2 * at + n, n, room.x + at);
  });
  p.worker.sync();
}

HeadScanRows scan_rows(const MambaHeadsPlan& plan, const Room& room) {
  return {.x = room.mixed,
          .x_stride = plan.inner(),
          .b = room.inputs.b,
          .c = room.inputs.c,
          .bc_stride = plan.state_size,
          .steps = room.inputs.steps,
          .steps_stride = plan.heads,
          .dt = room.dt,
          .decay = room.decay,
          .out = room.result};
}

// ws.in = silu(z) result, head by head.
void finish(const Pass& p, const MambaHeadsPlan& plan, const Room& room) {
  const std::int32_t n = plan.head_dim;
  p.for_pieces(plan.heads, [&](const Slice&, int row, int head) {
    const std::int64_t first = std::int64_t{head} * n, at = row * plan.inner() + first;
    p.kernels.activate(Act::silu, room.projected + 2 * at, room.result + at, n, p.ws.in.row(row) + first);
  });
  p.worker.sync();
  p.round(p.ws.in, p.rows(), plan.inner(), kinds_of({&plan.out}));
}

}  // namespace

ActKinds input_kinds(const MambaHeadsPlan& plan) noexcept { return kinds_of({&plan.in}); }

std::int64_t widest_input(const MambaHeadsPlan& plan) noexcept { return plan.inner(); }

void measure(Carver& carver, const MambaHeadsPlan& plan, const WorkspaceSizes& sizes) noexcept {
  Room(carver, plan, sizes);
}

void run(const Pass& p, const MambaHeadsPlan& plan, float* out) noexcept {
  Carver carver(p.ws.room);
  const Room room(carver, plan, p.ws.sizes());
  const std::int64_t inner = plan.inner(), size = plan.state_size;
  p.multiply({&plan.in, &p.ws.in, 0, p.rows(), room.projected, 2 * inner});
  p.worker.sync();
  gather_x(p, plan, room);
  convolve(p, plan, {room.x, inner, room.mixed, true});
  make_scan_inputs(p, {plan.inputs, {.dt = 2 * size, .b = 0, .c = size}, room.mixed}, room.inputs);
  scan_heads(p, plan, scan_rows(plan, room));
  finish(p, plan, room);
  finish_recurrence(p, plan, out);
}

}  // namespace longhand
