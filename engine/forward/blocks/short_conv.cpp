// Gated short convolution.

#include "engine/forward/causal_conv.h"
#include "engine/forward/recurrence.h"
#include "engine/forward/run_block.h"

namespace longhand {
namespace {

struct Room {
  float* projected;  // (rows, 3 hidden): b, c, x
  float* gated;      // (rows, hidden): b x
  float* mixed;      // (rows, hidden)

  Room(Carver& carver, const ShortConvPlan& plan, const WorkspaceSizes& sizes) noexcept
      : projected(carver.floats(sizes.rows, 3 * std::int64_t{plan.hidden})),
        gated(carver.floats(sizes.rows, plan.hidden)),
        mixed(carver.floats(sizes.rows, plan.hidden)) {}
};

}  // namespace

ActKinds input_kinds(const ShortConvPlan& plan) noexcept { return kinds_of({&plan.in}); }

std::int64_t widest_input(const ShortConvPlan& plan) noexcept { return plan.hidden; }

void measure(Carver& carver, const ShortConvPlan& plan, const WorkspaceSizes& sizes) noexcept {
  Room(carver, plan, sizes);
}

void run(const Pass& p, const ShortConvPlan& plan, float* out) noexcept {
  Carver carver(p.ws.room);
  const Room room(carver, plan, p.ws.sizes());
  const std::int64_t n = plan.hidden;
  p.multiply({&plan.in, &p.ws.in, 0, p.rows(), room.projected, 3 * n});
  p.worker.sync();
  p.for_groups(p.rows(), n, [&](std::int64_t row, Range cols) {
    const float *b = room.projected + row * 3 * n, *x = b + 2 * n;
    for (std::int64_t i = cols.begin; i < cols.end; ++i) room.gated[row * n + i] = b[i] * x[i];
  });
  p.worker.sync();
  convolve(p, plan, {room.gated, n, room.mixed, false});
  const ActKinds kinds = kinds_of({&plan.out});
  p.for_groups(p.rows(), n, [&](std::int64_t row, Range cols) {
    const float *c = room.projected + row * 3 * n + n, *y = room.mixed + row * n;
    for (std::int64_t i = cols.begin; i < cols.end; ++i) p.ws.in.row(row)[i] = c[i] * y[i];
    p.ws.in.round(p.kernels, row, cols, kinds);
  });
  finish_recurrence(p, plan, out);
}

}  // namespace longhand
