// What a token gives a layer beside the stream.

#include "engine/forward/run_block.h"

namespace longhand {

ActKinds input_kinds(const PerLayerInputPlan& plan) noexcept { return kinds_of({&plan.gate}); }

std::int64_t widest_input(const PerLayerInputPlan& plan) noexcept { return plan.width; }

void measure(Carver& carver, const PerLayerInputPlan& plan, const WorkspaceSizes& sizes) noexcept {
  carver.floats(sizes.rows, plan.width);
}

void run(const Pass& p, const PerLayerInputPlan& plan, float* out) noexcept {
  Carver carver(p.ws.room);
  float* gate = carver.floats(p.ws.sizes().rows, plan.width);
  p.multiply({&plan.gate, &p.ws.in, 0, p.rows(), gate, plan.width});
  p.worker.sync();
  const ActKinds kinds = kinds_of({&plan.out});
  const std::int64_t all = p.weights.per_layer.values(), first = std::int64_t{plan.layer} * plan.width;
  p.for_groups(p.rows(), plan.width, [&](std::int64_t row, Range cols) {
    const float* input = p.ws.per_layer + row * all + first;
    p.kernels.activate(plan.act, gate + row * plan.width + cols.begin, input + cols.begin,
                       std::int32_t(cols.end - cols.begin), p.ws.in.row(row) + cols.begin);
    p.ws.in.round(p.kernels, row, cols, kinds);
  });
  p.worker.sync();
  p.multiply({&plan.out, &p.ws.in, 0, p.rows(), out, p.config.hidden});
  p.worker.sync();
}

}  // namespace longhand
