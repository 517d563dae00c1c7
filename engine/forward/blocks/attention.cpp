// Self-attention of one layer: project, attend, project back.

#include <algorithm>
#include <array>

#include "engine/forward/attention/indexer.h"
#include "engine/forward/logistic.h"
#include "engine/forward/run_block.h"

namespace longhand {
namespace {

struct Room : AttentionRows {
  IndexerRoom indexer;
  float* gated_q;  // (rows, heads, 2 head_dim) queries and their gates, where gates stand behind queries
  float* gate;     // (rows, heads, head_dim), or as many as the matrix of gates gives

  Room(Carver& carver, const AttentionPlan& plan, const WorkspaceSizes& sizes) noexcept
      : AttentionRows(carver, plan, sizes),
        indexer(carver, plan.indexer, sizes),
        gated_q(carver.floats(plan.gate_in_q() ? sizes.rows : 0, plan.q_rows())),
        gate(carver.floats(sizes.rows, plan.gate_in_q() ? plan.q_dim() : plan.gate.weight.rows)) {}
};

void project(const Pass& p, const AttentionPlan& plan, const Room& room) {
  std::array<MatmulJob, 4> jobs = {
      {{&plan.q, &p.ws.in, 0, p.rows(), plan.gate_in_q() ? room.gated_q : room.q, plan.q_rows()},
       {&plan.k, &p.ws.in, 0, p.rows(), room.k, plan.k_dim()},
       {&plan.v, &p.ws.in, 0, p.rows(), room.v, plan.v_dim()}}};
  std::size_t count = !plan.stores ? 1 : plan.values_are_keys ? 2 : 3;
  if (!plan.gate.empty())
    jobs[count++] = {&plan.gate, &p.ws.in, 0, p.rows(), room.gate, plan.gate.weight.rows};
  p.multiply(std::span(jobs).first(count));
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

// What a gate multiplies by.
float opened(OutputGate kind, float gate) {
  return kind == OutputGate::softplus ? softplus(gate) : sigmoid(gate);
}

// The result times what its gates say, each of which is for one value or for those of one head.
void apply_gates(const Pass& p, const AttentionPlan& plan, const Room& room) {
  const std::int64_t width = plan.gates_heads ? plan.value_dim : 1, values = plan.result_dim();
  p.for_groups(p.rows(), values, [&](std::int64_t row, Range cols) {
    float* result = p.ws.in.row(row);
    const float* gate = room.gate + row * values / width;
    for (std::int64_t i = cols.begin; i < cols.end; ++i) result[i] *= opened(plan.gate_kind, gate[i / width]);
  });
}

}  // namespace

ActKinds input_kinds(const AttentionPlan& plan) noexcept {
  return kinds_of({&plan.q, &plan.k, &plan.v, &plan.gate, &plan.indexer.q, &plan.indexer.k});
}

std::int64_t widest_input(const AttentionPlan& plan) noexcept { return plan.result_dim(); }

void measure(Carver& carver, const AttentionPlan& plan, const WorkspaceSizes& sizes) noexcept {
  Room(carver, plan, sizes);
}

void run(const Pass& p, const AttentionPlan& plan, float* out) noexcept {
  Carver carver(p.ws.room);
  Room room(carver, plan, p.ws.sizes());
  project(p, plan, room);
  if (plan.gate_in_q()) part_gates(p, plan, room);
  if (plan.clamp != 0) clamp(p, plan, room);
  room.chosen = choose_keys(p, plan, p.ws.in, room.indexer);
  room.to = {p.ws.in.row(0), p.ws.in.stride(), plan.value_dim};
  attend(p, plan, room);
  if (plan.gate_kind != OutputGate::no) apply_gates(p, plan, room);
  if (!plan.sub_norm.empty()) norm_result(p, plan);
  p.round(p.ws.in, p.rows(), plan.result_dim(), kinds_of({&plan.out}));
  p.worker.sync();
  p.multiply({&plan.out, &p.ws.in, 0, p.rows(), out, p.config.hidden});
  p.worker.sync();
}

}  // namespace longhand
