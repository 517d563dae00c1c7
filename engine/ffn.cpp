// The feed-forward network of one layer.

#include <array>

#include "engine/step.h"

namespace longhand {

void activate(const Step& s, std::int64_t rows, bool gated, const Linear& next,
              const Activations& to) noexcept {
  const std::int64_t ff = next.weight.cols;
  const ActKinds kinds = kinds_of({&next});
  s.for_groups(rows, ff, [&](std::int64_t r, Range cols) {
    const std::int64_t at = r * ff + cols.begin;
    const float *gate = s.ws.gate.as<float>() + at, *up = s.ws.up.as<float>() + at;
    s.kernels.activate(s.config.arch->act, gated ? gate : up, gated ? up : nullptr,
                       std::int32_t(cols.end - cols.begin), to.row(r) + cols.begin);
    to.round(s.kernels, r, cols, kinds);
  });
}

void run_network(const Step& s, const Network& n) noexcept {
  const std::int32_t ff = n.up.weight.rows;
  const bool gated = !n.gate.empty();
  std::array<MatmulJob, 3> jobs = {{{&n.up, &s.ws.in, 0, s.tokens, s.ws.up.as<float>(), ff}}};
  std::size_t count = 1;
  if (gated) jobs[count++] = {&n.gate, &s.ws.in, 0, s.tokens, s.ws.gate.as<float>(), ff};
  if (n.router != nullptr)
    jobs[count++] = {n.router, &s.ws.in, 0, s.tokens, s.ws.shared_weight.as<float>(), 1};
  s.multiply(std::span(jobs).first(count));
  s.worker.sync();
  activate(s, s.tokens, gated, n.down, s.ws.in);
  s.worker.sync();
  const MatmulJob down{&n.down, &s.ws.in, 0, s.tokens, s.ws.out.as<float>(), s.config.hidden};
  s.multiply({&down, 1});
  s.worker.sync();
}

void feed_forward(const Step& s, int il) noexcept {
  const LayerWeights& w = s.weights.layers[std::size_t(il)];
  run_network(s, {w.up, w.gate, w.down});
}

}  // namespace longhand
