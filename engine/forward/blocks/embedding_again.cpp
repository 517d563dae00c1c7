// The embedding of the token at hand, added once more.

#include <algorithm>

#include "engine/forward/run_block.h"

namespace longhand {

ActKinds input_kinds(const EmbeddingAgainPlan&) noexcept { return 0; }

std::int64_t widest_input(const EmbeddingAgainPlan&) noexcept { return 0; }

void measure(Carver&, const EmbeddingAgainPlan&, const WorkspaceSizes&) noexcept {}

void run(const Pass& p, const EmbeddingAgainPlan& plan, float* out) noexcept {
  p.for_rows([&](int row) {
    float* to = out + std::int64_t{row} * plan.hidden;
    std::copy_n(p.ws.embedded + std::int64_t{row} * plan.hidden, plan.hidden, to);
    p.kernels.scale(to, *plan.scale, plan.hidden);
  });
  p.worker.sync();
}

}  // namespace longhand
