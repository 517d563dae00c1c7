// Time mixing of RWKV-6.
//
// Prompts take the recurrence token by token as single tokens do, so that a result does not depend on how a
// text was cut into batches.

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/forward/recurrence.h"
#include "engine/forward/run_block.h"
#include "engine/forward/token_shift.h"

namespace longhand {
namespace {

struct Room {
  Activations all;                         // (rows, hidden): what the mixes are found from
  float* found;                            // (rows, 5 mix_rank)
  Activations ranks;                       // (5 x rows, mix_rank)
  float* deltas;                           // (5, rows, hidden)
  std::array<Activations, kMixes6> mixed;  // (rows, hidden), by Mix6
  Activations decay_rank;                  // (rows, decay_rank)
  float *r, *k, *v, *gate;                 // (rows, hidden), (rows, kv_dim) twice, (rows, hidden)
  float *decay, *key;                      // (rows, hidden): of every head
  float* result;                           // (rows, hidden)

  Room(Carver& carver, const TimeMix6Plan& plan, const WorkspaceSizes& sizes) noexcept
      : all(carver, sizes.rows, plan.hidden),
        found(carver.floats(sizes.rows, kMixes6 * std::int64_t{plan.mix_rank})),
        ranks(carver, kMixes6 * std::int64_t{sizes.rows}, plan.mix_rank),
        deltas(carver.floats(kMixes6 * std::int64_t{sizes.rows}, plan.hidden)) {
    for (Activations& m : mixed) m = Activations(carver, sizes.rows, plan.hidden);
    decay_rank = Activations(carver, sizes.rows, plan.decay_rank);
    for (float** x : {&r, &k, &v, &gate, &decay, &key, &result}) *x = carver.floats(sizes.rows, plan.hidden);
  }
  const Activations& of(Mix6 mix) const noexcept { return mixed[std::size_t(mix)]; }
  float* delta(const Pass& p, int mix, std::int64_t row) const noexcept {
    return deltas + (std::int64_t{mix} * p.rows() + row) * p.config.hidden;
  }
};

// How much of the token before goes into each mix, beside what it always is.
void find_mixes(const Pass& p, const TimeMix6Plan& plan, const Room& room) {
  const std::int64_t rank = plan.mix_rank;
  const int rows = p.rows();
  for_shifted_groups(p, plan.hidden, [&](const ShiftedGroup& group) {
    shift_token(p, plan, group, plan.lerp_x, room.all.row(group.row));
    room.all.round(p.kernels, group.row, group.cols, kinds_of({&plan.w1}));
  });
  p.worker.sync();
  p.multiply({&plan.w1, &room.all, 0, rows, room.found, kMixes6 * rank});
  p.worker.sync();
  p.for_pieces(kMixes6, [&](const Slice&, int row, int mix) {
    const std::int64_t to = std::int64_t{mix} * rows + row;
    p.kernels.activate(Act::tanh, room.found + (std::int64_t{row} * kMixes6 + mix) * rank, nullptr,
                       plan.mix_rank, room.ranks.row(to));
    room.ranks.round(p.kernels, to, {0, rank}, kinds_of({&plan.w2[std::size_t(mix)]}));
  });
  p.worker.sync();
  std::array<MatmulJob, kMixes6> jobs;
  for (int i = 0; i < kMixes6; ++i) {
    jobs[std::size_t(i)] = {&plan.w2[std::size_t(i)], &room.ranks,
                            std::int64_t{i} * rows,   rows,
                            room.delta(p, i, 0),      std::int64_t{plan.hidden}};
  }
  p.multiply(jobs);
  p.worker.sync();
}

void mix(const Pass& p, const TimeMix6Plan& plan, const Room& room) {
  const std::array<const Linear*, kMixes6> readers = {&plan.decay_w1, &plan.k, &plan.v, &plan.r, &plan.gate};
  for_shifted_groups(p, plan.hidden, [&](const ShiftedGroup& group) {
    const int row = group.row;
    const Range cols = group.cols;
    for (int i = 0; i < kMixes6; ++i) {
      float* share = room.delta(p, i, row);
      const float* lerp = plan.lerp_of(i);
      for (std::int64_t c = cols.begin; c < cols.end; ++c) share[c] += lerp[c];
      const Activations& to = room.mixed[std::size_t(i)];
      shift_token(p, plan, group, share, to.row(row));
      to.round(p.kernels, row, cols, kinds_of({readers[std::size_t(i)]}));
    }
  });
  p.worker.sync();
}

void project(const Pass& p, const TimeMix6Plan& plan, const Room& room) {
  const int rows = p.rows();
  const std::int64_t hidden = plan.hidden;
  const Activations& rank = room.decay_rank;
  const std::array<MatmulJob, 5> jobs = {
      {{&plan.r, &room.of(Mix6::r), 0, rows, room.r, hidden},
       {&plan.k, &room.of(Mix6::k), 0, rows, room.k, plan.kv_dim()},
       {&plan.v, &room.of(Mix6::v), 0, rows, room.v, plan.kv_dim()},
       {&plan.gate, &room.of(Mix6::g), 0, rows, room.gate, hidden},
       {&plan.decay_w1, &room.of(Mix6::w), 0, rows, rank.row(0), rank.stride()}}};
  p.multiply(jobs);
  p.worker.sync();
  p.for_rows([&](int row) {
    p.kernels.activate(Act::tanh, rank.row(row), nullptr, plan.decay_rank, rank.row(row));
    rank.round(p.kernels, row, {0, plan.decay_rank}, kinds_of({&plan.decay_w2}));
  });
  p.worker.sync();
  p.multiply({&plan.decay_w2, &rank, 0, rows, room.decay, hidden});
  p.worker.sync();
}

// Where the key and the value of a query's head begin.
std::int64_t kv_at(const TimeMix6Plan& plan, std::int64_t row, int head) {
  return row * plan.kv_dim() + std::int64_t{head / (plan.heads / plan.kv_heads)} * plan.head_dim;
}

// The decay and the key of every head.
void settle(const Pass& p, const TimeMix6Plan& plan, const Room& room) {
  const std::int32_t n = plan.head_dim;
  p.for_pieces(plan.heads, [&](const Slice&, int row, int head) {
    const std::int64_t first = std::int64_t{head} * n, at = std::int64_t{row} * plan.hidden + first;
    float *decay = room.decay + at, *key = room.key + at;
    p.kernels.add(decay, plan.decay + first, n);
    p.kernels.activate(Act::exp, decay, nullptr, n, decay);
    p.kernels.scale(decay, -1, n);
    p.kernels.activate(Act::exp, decay, nullptr, n, decay);
    std::copy_n(room.k + kv_at(plan, row, head), n, key);
    if (plan.has_bonus) return;
    for (std::int32_t i = 0; i < n; ++i) key[i] *= 1 - decay[i];
  });
  p.worker.sync();
}

// One head of one slice.
void run_head(const Pass& p, const TimeMix6Plan& plan, const Room& room, const Slice& slice, int head) {
  const auto token_of = [&](std::int64_t row) {
    const std::int64_t at = row * plan.hidden + std::int64_t{head} * plan.head_dim;
    return DplrToken{
        room.r + at, room.key + at,   room.v + kv_at(plan, row, head), room.decay + at, nullptr, nullptr,
        1,           room.result + at};
  };
  for_token_pieces<DplrToken>(slice, token_of, [&](std::span<const DplrToken> tokens) {
    p.kernels.dplr_rule({.token = tokens.data(),
                         .tokens = std::int32_t(tokens.size()),
                         .key_dim = plan.head_dim,
                         .value_dim = plan.head_dim,
                         .asks_before = plan.has_bonus,
                         .scale = plan.has_bonus ? 1 : 1 / std::sqrt(float(plan.head_dim)),
                         .state = slice.states.recurrent(plan.state).values() + head * plan.head_values(),
                         .state_stride = plan.stride()});
  });
}

// result += v (r . (bonus k)) of one head.
void add_bonus(const Pass& p, const TimeMix6Plan& plan, const Room& room, int row, int head) {
  const std::int64_t first = std::int64_t{head} * plan.head_dim, at = std::int64_t{row} * plan.hidden + first;
  double sum = 0;
  for (int i = 0; i < plan.head_dim; ++i)
    sum += double(room.r[at + i]) * double(room.key[at + i]) * double(plan.bonus[first + i]);
  p.kernels.add_scaled(room.result + at, room.v + kv_at(plan, row, head), float(sum), plan.head_dim);
}

// ws.in = norm(result + bonus) silu(gate), or result sigmoid(gate), head by head.
void finish(const Pass& p, const TimeMix6Plan& plan, const Room& room) {
  const std::int32_t n = plan.head_dim;
  p.for_pieces(plan.heads, [&](const Slice&, int row, int head) {
    const std::int64_t first = std::int64_t{head} * n, at = std::int64_t{row} * plan.hidden + first;
    float* y = room.result + at;
    if (plan.has_bonus) add_bonus(p, plan, room, row, head);
    if (!plan.norm.empty()) p.norm(plan.norm.from(first), y, n, y);
    p.kernels.activate(plan.has_bonus ? Act::silu : Act::sigmoid, room.gate + at, y, n,
                       p.ws.in.row(row) + first);
  });
  p.worker.sync();
  p.round(p.ws.in, p.rows(), plan.hidden, kinds_of({&plan.out}));
}

}  // namespace

ActKinds input_kinds(const TimeMix6Plan&) noexcept { return 0; }

std::int64_t widest_input(const TimeMix6Plan& plan) noexcept { return plan.hidden; }

void measure(Carver& carver, const TimeMix6Plan& plan, const WorkspaceSizes& sizes) noexcept {
  Room(carver, plan, sizes);
}

void run(const Pass& p, const TimeMix6Plan& plan, float* out) noexcept {
  Carver carver(p.ws.room);
  const Room room(carver, plan, p.ws.sizes());
  find_mixes(p, plan, room);
  mix(p, plan, room);
  keep_last_token(p, plan);
  project(p, plan, room);
  settle(p, plan, room);
  for_heads(p, plan.heads, [&](const Slice& slice, int head) { run_head(p, plan, room, slice, head); });
  finish(p, plan, room);
  finish_recurrence(p, plan, out);
}

}  // namespace longhand
