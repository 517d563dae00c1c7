#include "engine/forward/head.h"

#include <algorithm>

namespace longhand {
namespace {

// f(row) for this worker's share of pooled states.
template <class Function>
void for_states(const Pass& p, int count, const Function& f) {
  const Range part = p.worker.split(count);
  for (std::int64_t i = part.begin; i < part.end; ++i) f(i);
  p.worker.sync();
}

void activate(const Pass& p, ScoreAct act, float* values, std::int32_t n) {
  if (act == ScoreAct::tanh) return p.kernels.softcap(values, 1, n);
  p.kernels.activate(Act::gelu_erf, values, nullptr, n, values);
}

void run_classifier(const Pass& p, const HeadJob& job, float* inner) {
  const PoolingHead& head = p.weights.head;
  const ScoreSpec& spec = p.config.pooling.score;
  const float* from = job.states;
  if (!head.score_in.empty()) {
    p.multiply_rows(head.score_in, from, job.count, inner);
    for_states(p, job.count, [&](std::int64_t i) {
      float* values = inner + i * head.hidden;
      activate(p, spec.act, values, head.hidden);
      if (!head.score_norm.empty()) p.norm(head.score_norm, values, head.hidden, values);
    });
    from = inner;
  }
  p.multiply_rows(head.score_out, from, job.count, job.to);
  if (!spec.softmax) return;
  for_states(p, job.count, [&](std::int64_t i) { p.kernels.softmax(job.to + i * head.labels, head.labels); });
}

}  // namespace

void finish_hidden(const Pass& p) noexcept {
  const NormPlan& norm = p.weights.output_norm;
  if (!norm.empty()) p.for_rows([&](int row) { p.norm(norm, p.x(row), p.config.hidden, p.x(row)); });
  p.worker.sync();
}

void copy_hidden(const Pass& p, float* to) noexcept {
  const NormPlan& norm = p.weights.output_norm;
  const std::int64_t n = p.config.hidden;
  p.for_rows([&](int row) {
    if (norm.empty()) {
      std::copy_n(p.x(row), n, to + row * n);
    } else {
      p.norm(norm, p.x(row), p.config.hidden, to + row * n);
    }
  });
}

void run_head(const Pass& p, const HeadJob& job) noexcept {
  const PoolingHead& head = p.weights.head;
  Carver carver(p.ws.room);
  float* inner = carver.floats(p.ws.sizes().rows, widest_input(head));
  if (job.scores) return run_classifier(p, job, inner);
  if (head.dense_2.empty()) {
    for_states(p, job.count, [&](std::int64_t i) {
      std::copy_n(job.states + i * head.hidden, head.hidden, job.to + i * head.hidden);
    });
    return;
  }
  const bool two = !head.dense_3.empty();
  p.multiply_rows(head.dense_2, job.states, job.count, two ? inner : job.to);
  if (two) p.multiply_rows(head.dense_3, inner, job.count, job.to);
}

std::int64_t widest_input(const PoolingHead& head) noexcept { return std::max(head.hidden, head.wide); }

void measure(Carver& carver, const PoolingHead& head, const WorkspaceSizes& sizes) noexcept {
  carver.floats(sizes.rows, widest_input(head));
}

}  // namespace longhand
