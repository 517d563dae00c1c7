// Kimi delta attention.
//
// Prompts take the recurrence token by token as single tokens do, so that a result does not depend on how a
// text was cut into batches.

#include <array>
#include <cmath>

#include "engine/forward/causal_conv.h"
#include "engine/forward/logistic.h"
#include "engine/forward/recurrence.h"
#include "engine/forward/run_block.h"

namespace longhand {
namespace {

struct Room {
  float* projected;     // (rows, 3 inner): q, k, v before the convolution
  float* mixed;         // (rows, 3 inner): and after it
  Activations f, g;     // (rows, head_dim): what decays and gates come from
  float* decay;         // (rows, inner)
  float* gate;          // (rows, inner)
  float* beta;          // (rows, heads)
  float *read, *erase;  // (rows, inner): see DplrToken
  float* result;        // (rows, inner)

  Room(Carver& carver, const KimiDeltaPlan& plan, const WorkspaceSizes& sizes) noexcept
      : projected(carver.floats(sizes.rows, 3 * plan.inner())),
        mixed(carver.floats(sizes.rows, 3 * plan.inner())),
        f(carver, sizes.rows, plan.head_dim),
        g(carver, sizes.rows, plan.head_dim),
        decay(carver.floats(sizes.rows, plan.inner())),
        gate(carver.floats(sizes.rows, plan.inner())),
        beta(carver.floats(sizes.rows, plan.heads)),
        read(carver.floats(sizes.rows, plan.inner())),
        erase(carver.floats(sizes.rows, plan.inner())),
        result(carver.floats(sizes.rows, plan.inner())) {}
};

void project(const Pass& p, const KimiDeltaPlan& plan, const Room& room) {
  const std::int64_t inner = plan.inner();
  const int rows = p.rows();
  const std::array<MatmulJob, 6> jobs = {{{&plan.q, &p.ws.in, 0, rows, room.projected, 3 * inner},
                                          {&plan.k, &p.ws.in, 0, rows, room.projected + inner, 3 * inner},
                                          {&plan.v, &p.ws.in, 0, rows, room.projected + 2 * inner, 3 * inner},
                                          {&plan.f_a, &p.ws.in, 0, rows, room.f.row(0), room.f.stride()},
                                          {&plan.g_a, &p.ws.in, 0, rows, room.g.row(0), room.g.stride()},
                                          {&plan.beta, &p.ws.in, 0, rows, room.beta, plan.heads}}};
  p.multiply(jobs);
  p.worker.sync();
  p.round(room.f, rows, plan.head_dim, kinds_of({&plan.f_b}));
  p.round(room.g, rows, plan.head_dim, kinds_of({&plan.g_b}));
  p.worker.sync();
  const std::array<MatmulJob, 2> second = {
      {{&plan.f_b, &room.f, 0, rows, room.decay, inner}, {&plan.g_b, &room.g, 0, rows, room.gate, inner}}};
  p.multiply(second);
  p.worker.sync();
}

// What the recurrence reads of every head: with k' = decay k, M <- diag(decay) M + beta k v^T - beta k (k'^T
// M).
void settle(const Pass& p, const KimiDeltaPlan& plan, const Room& room) {
  const std::int32_t n = plan.head_dim;
  p.for_pieces(plan.heads, [&](const Slice&, int row, int head) {
    const std::int64_t first = std::int64_t{head} * n, at = row * plan.inner() + first;
    float *q = room.mixed + 3 * row * plan.inner() + first, *k = q + plan.inner();
    p.to_length_1(q, n, double(plan.epsilon));
    p.to_length_1(k, n, double(plan.epsilon));
    float* decay = room.decay + at;
    p.kernels.add(decay, plan.dt_bias + first, n);
    p.kernels.activate(Act::softplus, decay, nullptr, n, decay);
    p.kernels.scale(decay, plan.a[head], n);
    p.kernels.activate(Act::exp, decay, nullptr, n, decay);
    float& beta = room.beta[std::int64_t{row} * plan.heads + head];
    beta = sigmoid(beta);
    for (int i = 0; i < n; ++i) {
      room.read[at + i] = decay[i] * k[i];
      room.erase[at + i] = -beta * k[i];
    }
  });
  p.worker.sync();
}

// One head of one slice.
void run_head(const Pass& p, const KimiDeltaPlan& plan, const Room& room, const Slice& slice, int head) {
  const std::int64_t inner = plan.inner(), n = plan.head_dim;
  const auto token_of = [&](std::int64_t row) {
    const std::int64_t at = row * inner + head * n;
    const float* q = room.mixed + 3 * row * inner + head * n;
    return DplrToken{q,
                     q + inner,
                     q + 2 * inner,
                     room.decay + at,
                     room.read + at,
                     room.erase + at,
                     room.beta[row * plan.heads + head],
                     room.result + at};
  };
  for_token_pieces<DplrToken>(slice, token_of, [&](std::span<const DplrToken> tokens) {
    p.kernels.dplr_rule({.token = tokens.data(),
                         .tokens = std::int32_t(tokens.size()),
                         .key_dim = plan.head_dim,
                         .value_dim = plan.head_dim,
                         .erases = true,
                         .scale = 1 / std::sqrt(float(n)),
                         .state = slice.states.recurrent(plan.state).values() + head * plan.head_values(),
                         .state_stride = plan.stride()});
  });
}

// ws.in = norm(result) sigmoid(gate), head by head.
void finish(const Pass& p, const KimiDeltaPlan& plan, const Room& room) {
  const std::int32_t n = plan.head_dim;
  p.for_pieces(plan.heads, [&](const Slice&, int row, int head) {
    const std::int64_t first = std::int64_t{head} * n, at = row * plan.inner() + first;
    p.norm(plan.norm, room.result + at, n, room.result + at);
    p.kernels.activate(Act::sigmoid, room.gate + at, room.result + at, n, p.ws.in.row(row) + first);
  });
  p.worker.sync();
  p.round(p.ws.in, p.rows(), plan.inner(), kinds_of({&plan.out}));
}

}  // namespace

ActKinds input_kinds(const KimiDeltaPlan& plan) noexcept {
  return kinds_of({&plan.q, &plan.k, &plan.v, &plan.f_a, &plan.g_a, &plan.beta});
}

std::int64_t widest_input(const KimiDeltaPlan& plan) noexcept { return plan.inner(); }

void measure(Carver& carver, const KimiDeltaPlan& plan, const WorkspaceSizes& sizes) noexcept {
  Room(carver, plan, sizes);
}

void run(const Pass& p, const KimiDeltaPlan& plan, float* out) noexcept {
  Carver carver(p.ws.room);
  const Room room(carver, plan, p.ws.sizes());
  project(p, plan, room);
  convolve(p, plan, {room.projected, 3 * plan.inner(), room.mixed, true});
  settle(p, plan, room);
  for_heads(p, plan.heads, [&](const Slice& slice, int head) { run_head(p, plan, room, slice, head); });
  finish(p, plan, room);
  finish_recurrence(p, plan, out);
}

}  // namespace longhand
