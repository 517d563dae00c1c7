// Self-attention of one layer: project, attend, project back.

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/forward/attend.h"
#include "engine/forward/run_block.h"

namespace longhand {
namespace {

struct Room : AttentionRows {
  float* gated_q;  // (rows, heads, 2 head_dim) queries and their gates, where there are gates
  float* gate;     // (rows, heads, head_dim)

  Room(Carver& carver, const AttentionPlan& plan, const WorkspaceSizes& sizes) noexcept
      : AttentionRows(carver, plan, sizes),
        gated_q(carver.floats(plan.output_gate ? sizes.rows : 0, plan.q_rows())),
        gate(carver.floats(plan.output_gate ? sizes.rows : 0, plan.q_dim())) {}
};

void project(const Pass& p, const AttentionPlan& plan, const Room& room) {
  const std::array<MatmulJob, 3> jobs = {
      {{&plan.q, &p.ws.in, 0, p.rows(), plan.output_gate ? room.gated_q : room.q, plan.q_rows()},
       {&plan.k, &p.ws.in, 0, p.rows(), room.k, plan.k_dim()},
       {&plan.v, &p.ws.in, 0, p.rows(), room.v, plan.v_dim()}}};
  p.multiply(std::span(jobs).first(!plan.stores ? 1 : plan.values_are_keys ? 2 : 3));
  p.worker.sync();
  if (plan.stores && plan.values_are_keys) {
    p.for_rows([&](int row) {
      std::copy_n(room.k + row * plan.k_dim(), plan.v_dim(), room.v + row * plan.v_dim());
    });
    p.worker.sync();
  }
}

// Holds what was projected within the clamp.
void clamp(const Pass& p, const AttentionPlan& plan, const Room& room) {
  const auto hold = [&](float* values, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) values[i] = std::clamp(values[i], -plan.clamp, plan.clamp);
  };
  p.for_rows([&](int row) {
    hold(room.q + row * plan.q_dim(), plan.q_dim());
    if (!plan.stores) return;
    hold(room.k + row * plan.k_dim(), plan.k_dim());
    hold(room.v + row * plan.v_dim(), plan.v_dim());
  });
  p.worker.sync();
}

void norm_result(const Pass& p, const AttentionPlan& plan) {
  const auto n = std::int32_t(plan.result_dim());
  p.for_rows([&](int row) { p.norm(plan.sub_norm, p.ws.in.row(row), n, p.ws.in.row(row)); });
  p.worker.sync();
}

// Each head of a gated q is followed by its gate.
void part_gates(const Pass& p, const AttentionPlan& plan, const Room& room) {
  const int n = plan.head_dim;
  p.for_pieces(plan.heads, [&](const Slice&, int row, int head) {
    const std::int64_t at = std::int64_t{row} * plan.heads + head;
    const float* from = room.gated_q + at * 2 * n;
    std::copy_n(from, n, room.q + at * n);
    std::copy_n(from + n, n, room.gate + at * n);
  });
  p.worker.sync();
}

// The result times sigmoid(gate), element by element.
void apply_gates(const Pass& p, const AttentionPlan& plan, const Room& room) {
  const std::int64_t width = plan.result_dim();
  p.for_groups(p.rows(), width, [&](std::int64_t row, Range cols) {
    float* values = p.ws.in.row(row);
    const float* gate = room.gate + row * width;
    for (std::int64_t i = cols.begin; i < cols.end; ++i) values[i] *= 1 / (1 + std::exp(-gate[i]));
  });
}

}  // namespace

ActKinds input_kinds(const AttentionPlan& plan) noexcept { return kinds_of({&plan.q, &plan.k, &plan.v}); }

std::int64_t widest_input(const AttentionPlan& plan) noexcept { return plan.result_dim(); }

void measure(Carver& carver, const AttentionPlan& plan, const WorkspaceSizes& sizes) noexcept {
  Room(carver, plan, sizes);
}

void run(const Pass& p, const AttentionPlan& plan, float* out) noexcept {
  Carver carver(p.ws.room);
  Room room(carver, plan, p.ws.sizes());
  project(p, plan, room);
  if (plan.output_gate) part_gates(p, plan, room);
  if (plan.clamp != 0) clamp(p, plan, room);
  room.to = {p.ws.in.row(0), p.ws.in.stride(), plan.value_dim};
  attend(p, plan, room);
  if (plan.output_gate) apply_gates(p, plan, room);
  if (!plan.sub_norm.empty()) norm_result(p, plan);
  p.round(p.ws.in, p.rows(), plan.result_dim(), kinds_of({&plan.out}));
  p.worker.sync();
  p.multiply({&plan.out, &p.ws.in, 0, p.rows(), out, p.config.hidden});
  p.worker.sync();
}

}  // namespace longhand
