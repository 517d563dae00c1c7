// The feed-forward network of one layer.

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/forward/network.h"
#include "engine/forward/run_block.h"

namespace longhand {

namespace {

// out = min(act(gate), limit) * clamp(up, -limit, limit), or with act(min(gate, limit)).
void activate_limited(const Pass& p, const ActivateJob& job, const float* gate, const float* up, int n,
                      float* out) {
  if (job.limits_gate) {
    std::transform(gate, gate + n, out, [&](float g) { return std::min(g, job.limit); });
    gate = out;
  }
  p.kernels.activate(job.act, gate, nullptr, n, out);
  for (int i = 0; i < n; ++i)
    out[i] = (job.limits_gate ? out[i] : std::min(out[i], job.limit)) *
             std::max(-job.limit, std::min(up[i], job.limit));
}

}  // namespace

void activate(const Pass& p, std::int64_t count, const ActivateJob& job) noexcept {
  const std::int64_t ff = job.next.weight.cols;
  const ActKinds kinds = kinds_of({&job.next});
  p.for_groups(count, ff, [&](std::int64_t r, Range cols) {
    const std::int64_t at = r * ff + cols.begin;
    const float *gate = job.room.gate + at, *up = job.room.up + at;
    const auto n = std::int32_t(cols.end - cols.begin);
    float* to = job.to.row(r) + cols.begin;
    if (job.xielu != nullptr) {
      p.kernels.xielu(*job.xielu, up, n, to);
    } else if (job.limit > 0) {
      activate_limited(p, job, gate, up, n, to);
    } else {
      p.kernels.activate(job.act, job.gated ? gate : up, job.gated ? up : nullptr, n, to);
    }
    job.to.round(p.kernels, r, cols, kinds);
  });
}

namespace {

// The deviation is that of a sample: divided by n - 1.
void cut(float* g, std::int64_t n, float deviations) noexcept {
  double sum = 0, squares = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += double(g[i]);
  const double mean = sum / double(n);
  for (std::int64_t i = 0; i < n; ++i) squares += (double(g[i]) - mean) * (double(g[i]) - mean);
  const double deviation = std::sqrt(squares / double(std::max<std::int64_t>(n - 1, 1)));
  const auto least = float(mean + double(deviations) * deviation);
  for (std::int64_t i = 0; i < n; ++i) g[i] = std::max(0.0f, g[i] - least);
}

// Normalises what `down` reads.
void norm_inner(const Pass& p, const DensePlan& n) {
  p.for_rows([&](int row) {
    p.norm(n.sub_norm, p.ws.in.row(row), n.ff, p.ws.in.row(row));
    p.ws.in.round(p.kernels, row, {0, n.ff}, kinds_of({&n.down}));
  });
  p.worker.sync();
}

}  // namespace

void run_network(const Pass& p, const DensePlan& n, const NetworkRoom& room, float* out,
                 const MatmulJob* beside) noexcept {
  const std::int32_t ff = n.ff;
  std::array<MatmulJob, 3> jobs = {{{&n.up, &p.ws.in, 0, p.rows(), room.up, ff}}};
  std::size_t count = 1;
  if (n.gated) jobs[count++] = {&n.gate, &p.ws.in, 0, p.rows(), room.gate, ff};
  if (beside != nullptr) jobs[count++] = *beside;
  p.multiply(std::span(jobs).first(count));
  p.worker.sync();
  if (n.gated && std::isfinite(n.gate_cut)) {
    p.for_rows([&](int row) { cut(room.gate + std::int64_t{row} * ff, ff, n.gate_cut); });
    p.worker.sync();
  }
  activate(p, p.rows(),
           {n.act, n.gated, n.limit, n.limits_gate, room, n.down, p.ws.in, n.xielu ? &*n.xielu : nullptr});
  p.worker.sync();
  if (!n.sub_norm.empty()) norm_inner(p, n);
  p.multiply({&n.down, &p.ws.in, 0, p.rows(), out, p.config.hidden});
  p.worker.sync();
}

ActKinds input_kinds(const DensePlan& plan) noexcept { return kinds_of({&plan.gate, &plan.up}); }

std::int64_t widest_input(const DensePlan& plan) noexcept { return plan.ff; }

void measure(Carver& carver, const DensePlan& plan, const WorkspaceSizes& sizes) noexcept {
  NetworkRoom(carver, sizes.rows, plan.ff);
}

void run(const Pass& p, const DensePlan& plan, float* out) noexcept {
  Carver carver(p.ws.room);
  run_network(p, plan, NetworkRoom(carver, p.ws.sizes().rows, plan.ff), out);
}

}  // namespace longhand
