// One matrix where other layers have attention.

#include "engine/forward/run_block.h"

namespace longhand {

ActKinds input_kinds(const MatrixPlan& plan) noexcept { return kinds_of({&plan.out}); }

std::int64_t widest_input(const MatrixPlan&) noexcept { return 0; }

void measure(Carver&, const MatrixPlan&, const WorkspaceSizes&) noexcept {}

void run(const Pass& p, const MatrixPlan& plan, float* out) noexcept {
  p.multiply({&plan.out, &p.ws.in, 0, p.rows(), out, plan.hidden});
  p.worker.sync();
}

}  // namespace longhand
