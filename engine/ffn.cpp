// The feed-forward network of one layer.

#include <array>

#include "engine/step.h"

namespace longhand {

void feed_forward(const Step& s, int il) noexcept {
  const LayerWeights& w = s.weights.layers[std::size_t(il)];
  const std::int32_t ff = w.up.weight.rows;
  const bool gated = !w.gate.empty();
  const std::array<MatmulJob, 2> jobs = {{{&w.up, &s.ws.in, 0, s.tokens, s.ws.up.as<float>(), ff},
                                          {&w.gate, &s.ws.in, 0, s.tokens, s.ws.gate.as<float>(), ff}}};
  s.multiply(std::span(jobs).first(gated ? 2 : 1));
  s.worker.sync();
  const ActKinds kinds = kinds_of({&w.down});
  const Activate act = s.config.arch->act;
  const Range part = s.worker.split(s.tokens);
  for (std::int64_t t = part.begin; t < part.end; ++t) {
    const float *gate = s.ws.gate.as<float>() + t * ff, *up = s.ws.up.as<float>() + t * ff;
    s.kernels.activate(act, gated ? gate : up, gated ? up : nullptr, ff, s.ws.in.row(t));
    s.ws.in.round(s.kernels, t, ff, kinds);
  }
  s.worker.sync();
  const MatmulJob down{&w.down, &s.ws.in, 0, s.tokens, s.ws.out.as<float>(), s.config.hidden};
  s.multiply({&down, 1});
  s.worker.sync();
}

}  // namespace longhand
