#include "engine/forward/per_layer_inputs.h"

#include <algorithm>
#include <cmath>

#include "ops/panels.h"

namespace longhand {

void measure_per_layer_inputs(Carver& carver, const PerLayerInputs& plan,
                              const WorkspaceSizes& sizes) noexcept {
  carver.floats(sizes.rows, plan.values());
}

void compute_per_layer_inputs(const Pass& p) noexcept {
  const PerLayerInputs& plan = p.weights.per_layer;
  if (plan.width == 0) return;
  Carver carver(p.ws.room);
  const std::int64_t n = plan.values();
  float* of_token = carver.floats(p.ws.sizes().rows, n);
  p.for_rows([&](int row) {
    std::copy_n(p.x(row), p.config.hidden, p.ws.in.row(row));
    p.ws.in.round(p.kernels, row, {0, p.config.hidden}, kinds_of({&plan.projection}));
    decode_row(plan.tokens, p.tokens[std::size_t(row)], of_token + row * n);
  });
  p.worker.sync();
  p.multiply({&plan.projection, &p.ws.in, 0, p.rows(), p.ws.per_layer, n});
  p.worker.sync();
  const float before = 1 / std::sqrt(float(p.config.hidden)), half = std::sqrt(0.5f);
  p.for_rows([&](int row) {
    float* to = p.ws.per_layer + row * n;
    p.kernels.scale(to, before, std::int32_t(n));
    for (int il = 0; il < plan.layers; ++il) {
      float* part = to + std::int64_t{il} * plan.width;
      p.norm(plan.norm, part, plan.width, part);
    }
    p.kernels.add_scaled(to, of_token + row * n, std::sqrt(float(plan.width)), std::int32_t(n));
    p.kernels.scale(to, half, std::int32_t(n));
  });
  p.worker.sync();
}

}  // namespace longhand
