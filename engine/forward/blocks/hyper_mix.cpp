// Hyper-connections: the sum a block reads, and the mixing of streams while it works.

#include <algorithm>

#include "engine/forward/logistic.h"
#include "engine/forward/run_block.h"
#include "engine/forward/streams.h"

namespace longhand {
namespace {

struct Room {
  float* mixes;   // (rows, mixes)
  float* before;  // (workers, streams, hidden) a row's streams

  Room(Carver& carver, const HyperMixPlan& plan, const WorkspaceSizes& sizes) noexcept
      : mixes(carver.floats(sizes.rows, plan.mixes())),
        before(carver.floats(sizes.workers, std::int64_t{plan.streams} * plan.hidden)) {}
};

// Each of `count` lines of m (n x n) becomes one of sum 1, or nearly: its values lie `step` apart, and lines
// begin `next` apart.
void divide_lines(float* m, int n, int step, int next, float epsilon) noexcept {
  for (int line = 0; line < n; ++line) {
    float* first = m + line * next;
    float sum = epsilon;
    for (int i = 0; i < n; ++i) sum += first[i * step];
    for (int i = 0; i < n; ++i) first[i * step] /= sum;
  }
}

// m (from, to) as in HyperMixPlan.
void sinkhorn(const Pass& p, const HyperMixPlan& plan, float* m) noexcept {
  const int n = plan.streams;
  for (int from = 0; from < n; ++from) p.kernels.softmax(m + from * n, n);
  for (int i = 0; i < n * n; ++i) m[i] += plan.epsilon;
  divide_lines(m, n, n, 1, plan.epsilon);
  for (int i = 1; i < plan.iterations; ++i) {
    divide_lines(m, n, 1, n, plan.epsilon);
    divide_lines(m, n, n, 1, plan.epsilon);
  }
}

// What m says of one row: x, the gains, and the mixed streams.
void apply(const Pass& p, const HyperMixPlan& plan, float* m, float* before, int row) noexcept {
  const int count = plan.streams, n = plan.hidden;
  for (int i = 0; i < plan.mixes(); ++i) m[i] = m[i] * plan.scale[std::min(i / count, 2)] + plan.base[i];
  sum_streams(p, m, plan.epsilon, row);
  for (int c = 0; c < count; ++c) p.gains(row)[c] = 2 * sigmoid(m[count + c]);
  float* const mix = m + 2 * count;
  sinkhorn(p, plan, mix);
  for (int c = 0; c < count; ++c) std::copy_n(p.stream(c, row), n, before + std::int64_t{c} * n);
  for (int to = 0; to < count; ++to) {
    std::fill_n(p.stream(to, row), n, 0.0f);
    for (int from = 0; from < count; ++from)
      p.kernels.add_scaled(p.stream(to, row), before + std::int64_t{from} * n, mix[from * count + to], n);
  }
}

}  // namespace

// It gathers its input itself.
ActKinds input_kinds(const HyperMixPlan&) noexcept { return 0; }

std::int64_t widest_input(const HyperMixPlan& plan) noexcept {
  return std::int64_t{plan.streams} * plan.hidden;
}

void measure(Carver& carver, const HyperMixPlan& plan, const WorkspaceSizes& sizes) noexcept {
  Room(carver, plan, sizes);
}

void run(const Pass& p, const HyperMixPlan& plan, float*) noexcept {
  Carver carver(p.ws.room);
  const Room room(carver, plan, p.ws.sizes());
  multiply_streams(p, plan.norm, plan.fn, room.mixes);
  float* before = room.before + p.worker.id * std::int64_t{plan.streams} * plan.hidden;
  p.for_rows([&](int row) { apply(p, plan, room.mixes + std::int64_t{row} * plan.mixes(), before, row); });
  p.worker.sync();
}

}  // namespace longhand
