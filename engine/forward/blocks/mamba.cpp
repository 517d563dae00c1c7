// Mamba.
//
// Prompts take the recurrence token by token as single tokens do, a few channels at a time, which then stay
// in the first cache level: so a result does not depend on how a text was cut into batches.

#include "engine/forward/causal_conv.h"
#include "engine/forward/recurrence.h"
#include "engine/forward/run_block.h"
#include "engine/forward/scan_inputs.h"

namespace longhand {
namespace {

struct Room {
  float* projected;  // (rows, 2 inner): x before the convolution, z
  float* mixed;      // (rows, inner): x
  ScanInputsRoom inputs;
  float* result;  // (rows, inner)

  Room(Carver& carver, const MambaPlan& plan, const WorkspaceSizes& sizes) noexcept
      : projected(carver.floats(sizes.rows, 2 * std::int64_t{plan.inner})),
        mixed(carver.floats(sizes.rows, plan.inner)),
        inputs(carver, plan.inputs, plan.inner, sizes.rows),
        result(carver.floats(sizes.rows, plan.inner)) {}
};

// Some channels of one slice.
void scan_slice(const Pass& p, const MambaPlan& plan, const Room& room, const Slice& slice, Range part) {
  const std::int64_t inner = plan.inner, size = plan.inputs.state_size;
  const auto token_of = [&](std::int64_t row) {
    const std::int64_t at = row * inner + part.begin;
    return ScanToken{room.mixed + at, room.inputs.steps + at, room.inputs.b + row * size,
                     room.inputs.c + row * size, room.result + at};
  };
  for_token_pieces<ScanToken>(slice, token_of, [&](std::span<const ScanToken> tokens) {
    p.kernels.selective_scan({.token = tokens.data(),
                              .tokens = std::int32_t(tokens.size()),
                              .n = std::int32_t(part.end - part.begin),
                              .state_size = plan.inputs.state_size,
                              .a = plan.a + part.begin,
                              .a_stride = inner,
                              .d = plan.d + part.begin,
                              .state = slice.states.recurrent(plan.state).values() + part.begin,
                              .state_stride = plan.stride()});
  });
}

void scan_channels(const Pass& p, const MambaPlan& plan, const Room& room) {
  const std::int64_t inner = plan.inner;
  p.for_groups(p.rows(), inner, [&](std::int64_t row, Range cols) {
    float* dt = room.inputs.steps + row * inner + cols.begin;
    p.kernels.activate(Act::softplus, dt, nullptr, std::int32_t(cols.end - cols.begin), dt);
  });
  p.worker.sync();
  const Range part = p.worker.split(inner, kStateLanes);
  for (const Slice& slice : p.slices) scan_slice(p, plan, room, slice, part);
  p.worker.sync();
}

// ws.in = silu(z) result.
void finish(const Pass& p, const MambaPlan& plan, const Room& room) {
  const std::int64_t inner = plan.inner;
  p.for_groups(p.rows(), inner, [&](std::int64_t row, Range cols) {
    p.kernels.activate(Act::silu, room.projected + (2 * row + 1) * inner + cols.begin,
                       room.result + row * inner + cols.begin, std::int32_t(cols.end - cols.begin),
                       p.ws.in.row(row) + cols.begin);
    p.ws.in.round(p.kernels, row, cols, kinds_of({&plan.out}));
  });
}

}  // namespace

ActKinds input_kinds(const MambaPlan& plan) noexcept { return kinds_of({&plan.in}); }

std::int64_t widest_input(const MambaPlan& plan) noexcept { return plan.inner; }

void measure(Carver& carver, const MambaPlan& plan, const WorkspaceSizes& sizes) noexcept {
  Room(carver, plan, sizes);
}

void run(const Pass& p, const MambaPlan& plan, float* out) noexcept {
  Carver carver(p.ws.room);
  const Room room(carver, plan, p.ws.sizes());
  const std::int64_t inner = plan.inner, rank = plan.inputs.dt_rank, size = plan.inputs.state_size;
  p.multiply({&plan.in, &p.ws.in, 0, p.rows(), room.projected, 2 * inner});
  p.worker.sync();
  convolve(p, plan, {room.projected, 2 * inner, room.mixed, true});
  make_scan_inputs(p, {plan.inputs, {.dt = 0, .b = rank, .c = rank + size}, room.mixed}, room.inputs);
  scan_channels(p, plan, room);
  finish(p, plan, room);
  finish_recurrence(p, plan, out);
}

}  // namespace longhand
