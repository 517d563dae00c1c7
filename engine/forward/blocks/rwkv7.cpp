// Time mixing of RWKV-7.
//
// Prompts take the recurrence token by token as single tokens do, so that a result does not depend on how a
// text was cut into batches.

#include <algorithm>
#include <array>

#include "engine/forward/recurrence.h"
#include "engine/forward/run_block.h"
#include "engine/forward/token_shift.h"

namespace longhand {
namespace {

struct Room {
  std::array<Activations, kMixes7> mixed;      // (rows, hidden), by Mix7
  Activations w_rank, a_rank, v_rank, g_rank;  // (rows, each one's rank)
  float *r, *k, *v;                            // (rows, hidden)
  float *decay, *rate, *to_first, *gate;       // (rows, hidden)
  float *read, *erase;                         // (rows, hidden): see DplrToken
  float* result;                               // (rows, hidden)

  Room(Carver& carver, const TimeMix7Plan& plan, const WorkspaceSizes& sizes) noexcept {
    for (Activations& m : mixed) m = Activations(carver, sizes.rows, plan.hidden);
    w_rank = Activations(carver, sizes.rows, plan.decay_rank);
    a_rank = Activations(carver, sizes.rows, plan.rate_rank);
    v_rank = Activations(carver, sizes.rows, plan.value_rank);
    g_rank = Activations(carver, sizes.rows, plan.gate_rank);
    for (float** x : {&r, &k, &v, &decay, &rate, &to_first, &gate, &read, &erase, &result})
      *x = carver.floats(sizes.rows, plan.hidden);
  }
  const Activations& of(Mix7 mix) const noexcept { return mixed[std::size_t(mix)]; }
};

ActKinds readers(const TimeMix7Plan& plan, int mix) {
  const std::array<ActKinds, kMixes7> kinds = {kinds_of({&plan.r}),  kinds_of({&plan.w1}),
                                               kinds_of({&plan.k}),  kinds_of({&plan.v, &plan.v1}),
                                               kinds_of({&plan.a1}), kinds_of({&plan.g1})};
  return kinds[std::size_t(mix)];
}

void mix(const Pass& p, const TimeMix7Plan& plan, const Room& room) {
  for_shifted_groups(p, plan.hidden, [&](const ShiftedGroup& group) {
    for (int i = 0; i < plan.mixes(); ++i) {
      const Activations& to = room.mixed[std::size_t(i)];
      shift_token(p, plan, group, plan.lerp + std::int64_t{i} * plan.hidden, to.row(group.row));
      to.round(p.kernels, group.row, group.cols, readers(plan, i));
    }
  });
  p.worker.sync();
}

void project(const Pass& p, const TimeMix7Plan& plan, const Room& room) {
  const int rows = p.rows();
  std::array<MatmulJob, 7> jobs;
  std::size_t n = 0;
  const auto add = [&](const Linear& l, const Activations& x, float* to, std::int64_t stride) {
    jobs[n++] = {&l, &x, 0, rows, to, stride};
  };
  const auto rank = [&](const Linear& l, Mix7 mix, const Activations& to) {
    add(l, room.of(mix), to.row(0), to.stride());
  };
  add(plan.r, room.of(Mix7::r), room.r, plan.hidden);
  add(plan.k, room.of(Mix7::k), room.k, plan.hidden);
  add(plan.v, room.of(Mix7::v), room.v, plan.hidden);
  rank(plan.w1, Mix7::w, room.w_rank);
  rank(plan.a1, Mix7::a, room.a_rank);
  if (!plan.first) rank(plan.v1, Mix7::v, room.v_rank);
  if (plan.gated()) rank(plan.g1, Mix7::g, room.g_rank);
  p.multiply(std::span(jobs).first(n));
  p.worker.sync();
}

// The second halves of what comes through few values.
void project_ranks(const Pass& p, const TimeMix7Plan& plan, const Room& room) {
  const auto activate = [&](int row, const Activations& x, int n, Act act) {
    p.kernels.activate(act, x.row(row), nullptr, n, x.row(row));
  };
  p.for_rows([&](int row) {
    activate(row, room.w_rank, plan.decay_rank, Act::tanh);
    if (plan.gated()) activate(row, room.g_rank, plan.gate_rank, Act::sigmoid);
  });
  p.worker.sync();
  std::array<MatmulJob, 4> jobs;
  std::size_t n = 0;
  const auto add = [&](const Linear& l, const Activations& x, int rank, float* to) {
    p.round(x, p.rows(), rank, kinds_of({&l}));
    jobs[n++] = {&l, &x, 0, p.rows(), to, plan.hidden};
  };
  add(plan.w2, room.w_rank, plan.decay_rank, room.decay);
  add(plan.a2, room.a_rank, plan.rate_rank, room.rate);
  if (!plan.first) add(plan.v2, room.v_rank, plan.value_rank, room.to_first);
  if (plan.gated()) add(plan.g2, room.g_rank, plan.gate_rank, room.gate);
  p.worker.sync();
  p.multiply(std::span(jobs).first(n));
  p.worker.sync();
}

// x = act(x + bias) for n values.
void activate_biased(const Pass& p, float* x, const float* bias, std::int32_t n, Act act) {
  p.kernels.add(x, bias, n);
  p.kernels.activate(act, x, nullptr, n, x);
}

// v of the first block is kept; that of others moves towards it.
void settle_value(const Pass& p, const TimeMix7Plan& plan, const Room& room, std::int64_t at,
                  std::int64_t first) {
  const std::int32_t n = plan.head_dim;
  float *v = room.v + at, *kept = p.ws.first_values + at;
  if (plan.first) {
    std::copy_n(v, n, kept);
    return;
  }
  float* share = room.to_first + at;
  activate_biased(p, share, plan.v0 + first, n, Act::sigmoid);
  for (std::int32_t i = 0; i < n; ++i) v[i] += (kept[i] - v[i]) * share[i];
}

// What the recurrence reads of every head.
void settle(const Pass& p, const TimeMix7Plan& plan, const Room& room) {
  constexpr float kLeastLogDecay = -0.606531f;  // -e^-0.5
  const std::int32_t n = plan.head_dim;
  p.for_pieces(plan.heads, [&](const Slice&, int row, int head) {
    const std::int64_t first = std::int64_t{head} * n, at = std::int64_t{row} * plan.hidden + first;
    float *decay = room.decay + at, *rate = room.rate + at, *k = room.k + at, *read = room.read + at;
    activate_biased(p, decay, plan.w0 + first, n, Act::sigmoid);
    p.kernels.scale(decay, kLeastLogDecay, n);
    p.kernels.activate(Act::exp, decay, nullptr, n, decay);
    activate_biased(p, rate, plan.a0 + first, n, Act::sigmoid);
    settle_value(p, plan, room, at, first);
    for (std::int32_t i = 0; i < n; ++i) read[i] = k[i] * plan.k_k[first + i];
    p.to_length_1(read, n, 1e-12);
    for (std::int32_t i = 0; i < n; ++i) {
      room.erase[at + i] = -read[i] * rate[i];
      k[i] *= 1 + (rate[i] - 1) * plan.k_a[first + i];
    }
  });
  p.worker.sync();
}

// One head of one slice.
void run_head(const Pass& p, const TimeMix7Plan& plan, const Room& room, const Slice& slice, int head) {
  const auto token_of = [&](std::int64_t row) {
    const std::int64_t at = row * plan.hidden + std::int64_t{head} * plan.head_dim;
    return DplrToken{room.r + at,    room.k + at,     room.v + at, room.decay + at,
                     room.read + at, room.erase + at, 1,           room.result + at};
  };
  for_token_pieces<DplrToken>(slice, token_of, [&](std::span<const DplrToken> tokens) {
    p.kernels.dplr_rule({.token = tokens.data(),
                         .tokens = std::int32_t(tokens.size()),
                         .key_dim = plan.head_dim,
                         .value_dim = plan.head_dim,
                         .erases = true,
                         .state = slice.states.recurrent(plan.state).values() + head * plan.head_values(),
                         .state_stride = plan.stride()});
  });
}

// ws.in = (norm(result) + v (r . (k r_k))) gate, head by head.
void finish(const Pass& p, const TimeMix7Plan& plan, const Room& room) {
  const std::int32_t n = plan.head_dim;
  p.for_pieces(plan.heads, [&](const Slice&, int row, int head) {
    const std::int64_t first = std::int64_t{head} * n, at = std::int64_t{row} * plan.hidden + first;
    float *y = room.result + at, *to = p.ws.in.row(row) + first;
    if (!plan.norm.empty()) p.norm(plan.norm.from(first), y, n, y);
    double bonus = 0;
    for (std::int32_t i = 0; i < n; ++i)
      bonus += double(room.r[at + i]) * double(room.k[at + i]) * double(plan.r_k[first + i]);
    p.kernels.add_scaled(y, room.v + at, float(bonus), n);
    for (std::int32_t i = 0; i < n; ++i) to[i] = plan.gated() ? y[i] * room.gate[at + i] : y[i];
  });
  p.worker.sync();
  p.round(p.ws.in, p.rows(), plan.hidden, kinds_of({&plan.out}));
}

}  // namespace

ActKinds input_kinds(const TimeMix7Plan&) noexcept { return 0; }

std::int64_t widest_input(const TimeMix7Plan& plan) noexcept { return plan.hidden; }

void measure(Carver& carver, const TimeMix7Plan& plan, const WorkspaceSizes& sizes) noexcept {
  Room(carver, plan, sizes);
}

void run(const Pass& p, const TimeMix7Plan& plan, float* out) noexcept {
  Carver carver(p.ws.room);
  const Room room(carver, plan, p.ws.sizes());
  mix(p, plan, room);
  keep_last_token(p, plan);
  project(p, plan, room);
  project_ranks(p, plan, room);
  settle(p, plan, room);
  for_heads(p, plan.heads, [&](const Slice& slice, int head) { run_head(p, plan, room, slice, head); });
  finish(p, plan, room);
  finish_recurrence(p, plan, out);
}

}  // namespace longhand
