// A map of low rank beside attention.

#include <algorithm>

#include "engine/forward/run_block.h"

namespace longhand {
namespace {

struct Room {
  float* input;   // (rows, hidden)
  float* narrow;  // (rows, rank)

  Room(Carver& carver, const LaurelPlan& plan, const WorkspaceSizes& sizes) noexcept
      : input(carver.floats(sizes.rows, plan.hidden)), narrow(carver.floats(sizes.rows, plan.rank)) {}
};

}  // namespace

ActKinds input_kinds(const LaurelPlan& plan) noexcept { return kinds_of({&plan.left}); }

std::int64_t widest_input(const LaurelPlan& plan) noexcept { return plan.rank; }

void measure(Carver& carver, const LaurelPlan& plan, const WorkspaceSizes& sizes) noexcept {
  Room(carver, plan, sizes);
}

void run(const Pass& p, const LaurelPlan& plan, float* out) noexcept {
  Carver carver(p.ws.room);
  const Room room(carver, plan, p.ws.sizes());
  const std::int64_t n = plan.hidden;
  p.multiply({&plan.left, &p.ws.in, 0, p.rows(), room.narrow, plan.rank});
  p.worker.sync();
  const ActKinds kinds = kinds_of({&plan.right});
  p.for_rows([&](int row) {
    std::copy_n(p.ws.in.row(row), n, room.input + row * n);
    std::copy_n(room.narrow + std::int64_t{row} * plan.rank, plan.rank, p.ws.in.row(row));
    p.ws.in.round(p.kernels, row, {0, plan.rank}, kinds);
  });
  p.worker.sync();
  p.multiply({&plan.right, &p.ws.in, 0, p.rows(), out, n});
  p.worker.sync();
  p.for_rows([&](int row) {
    float* y = out + row * n;
    p.norm(plan.norm, y, plan.hidden, y);
    p.kernels.add(y, room.input + row * n, plan.hidden);
  });
  p.worker.sync();
}

}  // namespace longhand
