// Gated delta net.
//
// Prompts take the recurrence token by token as single tokens do, a few columns of the state at a time, which
// then stay in the first cache level: so a result does not depend on how a text was cut into batches, which
// the chunked form of the rule would make it do.

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/forward/causal_conv.h"
#include "engine/forward/logistic.h"
#include "engine/forward/recurrence.h"
#include "engine/forward/run_block.h"

namespace longhand {
namespace {

struct Room {
  float* all;         // (rows, qkv + gates) of old files
  float* projected;   // (rows, channels): q, k, v before the convolution
  float* mixed;       // (rows, channels): and after it
  float* gate;        // (rows, inner)
  float* beta_alpha;  // (rows, 2 value_heads), where files have them together
  float* beta;        // (rows, value_heads)
  float* decay;       // (rows, value_heads)
  float* result;      // (rows, inner)

  Room(Carver& carver, const DeltaNetPlan& plan, const WorkspaceSizes& sizes) noexcept
      : all(carver.floats(plan.all.empty() ? 0 : sizes.rows, plan.conv.channels + plan.inner())),
        projected(carver.floats(sizes.rows, plan.conv.channels)),
        mixed(carver.floats(sizes.rows, plan.conv.channels)),
        gate(carver.floats(sizes.rows, plan.inner())),
        beta_alpha(
            carver.floats(plan.beta_alpha.empty() ? 0 : sizes.rows, 2 * std::int64_t{plan.value_heads})),
        beta(carver.floats(sizes.rows, plan.value_heads)),
        decay(carver.floats(sizes.rows, plan.value_heads)),
        result(carver.floats(sizes.rows, plan.inner())) {}
};

void project(const Pass& p, const DeltaNetPlan& plan, const Room& room) {
  const std::int64_t heads = plan.value_heads;
  std::array<MatmulJob, 4> jobs;
  std::size_t n = 0;
  const auto add = [&](const Linear& l, float* out, std::int64_t width) {
    jobs[n++] = {&l, &p.ws.in, 0, p.rows(), out, width};
  };
  if (plan.all.empty()) {
    add(plan.qkv, room.projected, plan.conv.channels);
    add(plan.gate, room.gate, plan.inner());
  } else {
    add(plan.all, room.all, plan.conv.channels + plan.inner());
  }
  if (plan.beta_alpha.empty()) {
    add(plan.beta, room.beta, heads);
    add(plan.alpha, room.decay, heads);
  } else {
    add(plan.beta_alpha, room.beta_alpha, 2 * heads);
  }
  p.multiply(std::span(jobs).first(n));
  p.worker.sync();
}

// The groups of old files are a key head's q, k, the v of its value heads and their gates.
void part_groups(const Pass& p, const DeltaNetPlan& plan, const Room& room) {
  const std::int64_t n = plan.head_dim, values = n * plan.per_key(),
                     width = plan.conv.channels + plan.inner();
  p.for_pieces(plan.key_heads, [&](const Slice&, int row, int head) {
    const float* from = room.all + row * width + head * (2 * n + 2 * values);
    float *q = room.projected + std::int64_t{row} * plan.conv.channels, *k = q + plan.key_dim(),
          *v = k + plan.key_dim();
    std::copy_n(from, n, q + head * n);
    std::copy_n(from + n, n, k + head * n);
    std::copy_n(from + 2 * n, values, v + head * values);
    std::copy_n(from + 2 * n + values, values, room.gate + row * plan.inner() + head * values);
  });
  p.worker.sync();
}

// Each value head's beta and decay of every row, from the products.
void settle_rates(const Pass& p, const DeltaNetPlan& plan, const Room& room) {
  const int heads = plan.value_heads, per_key = plan.per_key();
  p.for_rows([&](int row) {
    float *beta = room.beta + std::int64_t{row} * heads, *decay = room.decay + std::int64_t{row} * heads;
    for (int h = 0; h < heads; ++h) {
      if (!plan.beta_alpha.empty()) {
        const float* group = room.beta_alpha + std::int64_t{row} * 2 * heads + h / per_key * 2 * per_key;
        beta[h] = group[h % per_key];
        decay[h] = group[per_key + h % per_key];
      }
      beta[h] = sigmoid(beta[h]);
      decay[h] = std::exp(softplus(decay[h] + plan.dt_bias[h]) * plan.a_log[h]);
    }
  });
}

// q and k of every head to length 1.
void normalise_keys(const Pass& p, const DeltaNetPlan& plan, const Room& room) {
  const int n = plan.head_dim;
  p.for_pieces(2 * plan.key_heads, [&](const Slice&, int row, int head) {
    float* x = room.mixed + std::int64_t{row} * plan.conv.channels + std::int64_t{head} * n;
    p.to_length_1(x, n, double(plan.epsilon));
  });
  p.worker.sync();
}

// One value head of one slice.
void run_head(const Pass& p, const DeltaNetPlan& plan, const Room& room, const Slice& slice, int head) {
  const std::int64_t n = plan.head_dim, channels = plan.conv.channels;
  float* state = slice.states.recurrent(plan.state).values() + head * plan.head_values();
  const auto token_of = [&](std::int64_t row) {
    const std::int64_t rate = row * plan.value_heads + head;
    const float *q = room.mixed + row * channels + plan.key_head(head) * n,
                *v = room.mixed + row * channels + 2 * plan.key_dim() + head * n;
    return DeltaToken{q,
                      q + plan.key_dim(),
                      v,
                      room.decay[rate],
                      room.beta[rate],
                      room.result + row * plan.inner() + head * n};
  };
  for_token_pieces<DeltaToken>(slice, token_of, [&](std::span<const DeltaToken> tokens) {
    p.kernels.delta_rule({tokens.data(), std::int32_t(tokens.size()), plan.head_dim, plan.head_dim,
                          1 / std::sqrt(float(n)), state, plan.stride()});
  });
}

// ws.in = norm(result) * silu(gate), head by head.
void finish(const Pass& p, const DeltaNetPlan& plan, const Room& room) {
  const int n = plan.head_dim;
  p.for_pieces(plan.value_heads, [&](const Slice&, int row, int head) {
    const std::int64_t at = row * plan.inner() + std::int64_t{head} * n;
    float* to = p.ws.in.row(row) + std::int64_t{head} * n;
    p.norm(plan.norm, room.result + at, n, room.result + at);
    p.kernels.activate(Act::silu, room.gate + at, room.result + at, n, to);
  });
  p.worker.sync();
  p.round(p.ws.in, p.rows(), plan.inner(), kinds_of({&plan.out}));
}

}  // namespace

ActKinds input_kinds(const DeltaNetPlan& plan) noexcept {
  return kinds_of({&plan.all, &plan.qkv, &plan.gate, &plan.alpha, &plan.beta, &plan.beta_alpha});
}

std::int64_t widest_input(const DeltaNetPlan& plan) noexcept { return plan.inner(); }

void measure(Carver& carver, const DeltaNetPlan& plan, const WorkspaceSizes& sizes) noexcept {
  Room(carver, plan, sizes);
}

void run(const Pass& p, const DeltaNetPlan& plan, float* out) noexcept {
  Carver carver(p.ws.room);
  const Room room(carver, plan, p.ws.sizes());
  project(p, plan, room);
  if (!plan.all.empty()) part_groups(p, plan, room);
  settle_rates(p, plan, room);
  convolve(p, plan, {room.projected, plan.conv.channels, room.mixed, true});
  normalise_keys(p, plan, room);
  for_heads(p, plan.value_heads, [&](const Slice& slice, int head) { run_head(p, plan, room, slice, head); });
  finish(p, plan, room);
  finish_recurrence(p, plan, out);
}

}  // namespace longhand
