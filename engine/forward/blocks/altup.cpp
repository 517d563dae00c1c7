// Alternating updates. Both blocks change the streams themselves and add nothing.

#include <algorithm>
#include <cmath>

#include "engine/forward/run_block.h"

namespace longhand {
namespace {

struct Room {
  float* routed;  // (rows, streams)
  float* before;  // (workers, streams, hidden) a row's streams

  Room(Carver& carver, const AltupPlan& plan, const WorkspaceSizes& sizes) noexcept
      : routed(carver.floats(sizes.rows, plan.streams)),
        before(carver.floats(sizes.workers, std::int64_t{plan.streams} * plan.hidden)) {}
};

// room.routed = tanh(router ws.in / hidden).
void route(const Pass& p, const AltupPlan& plan, const Room& room) noexcept {
  p.multiply({&plan.router, &p.ws.in, 0, p.rows(), room.routed, plan.streams});
  p.worker.sync();
  p.for_rows([&](int row) {
    float* m = room.routed + std::int64_t{row} * plan.streams;
    for (int i = 0; i < plan.streams; ++i) m[i] = std::tanh(m[i] / float(plan.hidden));
  });
}

// Row `i` of coefficients (.., n) times m (n).
float coefficient(const float* coefficients, int i, const float* m, int n) noexcept {
  float sum = 0;
  for (int k = 0; k < n; ++k) sum += coefficients[i * n + k] * m[k];
  return sum;
}

}  // namespace

ActKinds input_kinds(const AltupPredictPlan& plan) noexcept { return kinds_of({&plan.router}); }
ActKinds input_kinds(const AltupCorrectPlan& plan) noexcept { return kinds_of({&plan.router}); }

std::int64_t widest_input(const AltupPredictPlan&) noexcept { return 0; }
std::int64_t widest_input(const AltupCorrectPlan&) noexcept { return 0; }

void measure(Carver& carver, const AltupPredictPlan& plan, const WorkspaceSizes& sizes) noexcept {
  Room(carver, plan, sizes);
}
void measure(Carver& carver, const AltupCorrectPlan& plan, const WorkspaceSizes& sizes) noexcept {
  Room(carver, plan, sizes);
}

void run(const Pass& p, const AltupPredictPlan& plan, float*) noexcept {
  Carver carver(p.ws.room);
  const Room room(carver, plan, p.ws.sizes());
  route(p, plan, room);
  const int count = plan.streams, n = plan.hidden;
  float* before = room.before + p.worker.id * std::int64_t{count} * n;
  p.for_rows([&](int row) {
    const float* m = room.routed + std::int64_t{row} * count;
    // The first stream's place holds its prediction while the blocks work on x.
    std::copy_n(p.x(row), n, p.stream(0, row));
    for (int i = 0; i < count; ++i) std::copy_n(p.stream(i, row), n, before + std::int64_t{i} * n);
    for (int i = 0; i < count; ++i) {
      for (int j = 0; j < count; ++j) {
        p.kernels.add_scaled(p.stream(i, row), before + std::int64_t{j} * n,
                             coefficient(plan.coefficients, count * i + j, m, count), n);
      }
    }
    std::copy_n(p.stream(0, row), n, p.x(row));
  });
  p.worker.sync();
}

void run(const Pass& p, const AltupCorrectPlan& plan, float*) noexcept {
  Carver carver(p.ws.room);
  const Room room(carver, plan, p.ws.sizes());
  route(p, plan, room);
  const int count = plan.streams, n = plan.hidden;
  p.for_rows([&](int row) {
    const float* m = room.routed + std::int64_t{row} * count;
    float* change = p.x(row);
    p.kernels.add_scaled(change, p.stream(0, row), -1, n);
    for (int i = 0; i < count; ++i)
      p.kernels.add_scaled(p.stream(i, row), change, 1 + coefficient(plan.coefficients, i, m, count), n);
    std::copy_n(p.stream(0, row), n, p.x(row));
  });
  p.worker.sync();
}

}  // namespace longhand
