// Multi-head latent attention, in the form that works on the compressed vectors: for prompts too, so that a
// token's result does not depend on what was computed together.

#include <algorithm>
#include <array>

#include "engine/forward/attention/indexer.h"
#include "engine/forward/attention/latent_queries.h"
#include "engine/forward/run_block.h"

namespace longhand {
namespace {

struct Room : AttentionRows {
  float* projected_q;    // (rows, heads, nope + pe)
  float* projected_kv;   // (rows, rank + pe)
  Activations q_latent;  // (rows, q_rank)
  Activations by_head;   // (heads, rows, widest of nope and rank): what the matrices of each head read
  float* values;         // (rows, heads, head_value)
  IndexerRoom indexer;

  Room(Carver& carver, const LatentPlan& plan, const WorkspaceSizes& sizes) noexcept
      : AttentionRows(carver, plan, sizes),
        projected_q(carver.floats(sizes.rows, plan.q_rows())),
        projected_kv(carver.floats(sizes.rows, plan.rank + plan.pe)),
        q_latent(carver, sizes.rows, plan.q_rank),
        by_head(carver, std::int64_t{plan.heads} * sizes.rows, std::max(plan.nope, plan.rank)),
        values(carver.floats(sizes.rows, plan.out_cols())),
        indexer(carver, plan.indexer, sizes) {}
};

void project(const Pass& p, const LatentPlan& plan, const Room& room) {
  const auto job = [&](const Linear& linear, float* to, std::int64_t stride) {
    return MatmulJob{&linear, &p.ws.in, 0, p.rows(), to, stride};
  };
  const bool ranked = plan.q_rank > 0;
  const std::array<MatmulJob, 2> jobs = {{job(plan.kv_a, room.projected_kv, plan.rank + plan.pe),
                                          ranked ? job(plan.q_a, room.q_latent.row(0), room.q_latent.stride())
                                                 : job(plan.q, room.projected_q, plan.q_rows())}};
  p.multiply(jobs);
  p.worker.sync();
  if (ranked) multiply_latent(p, plan, room.q_latent, room.projected_q);
}

// The same matrix of every head, each on its own rows of by_head: out (rows, heads, stride).
void multiply_heads(const Pass& p, std::span<const Linear> linears, const Room& room, float* out,
                    std::int64_t stride) {
  const auto heads = std::int64_t(linears.size());
  for (std::int64_t h = 0; h < heads; ++h)
    p.multiply(
        {&linears[std::size_t(h)], &room.by_head, h * p.rows(), p.rows(), out + h * stride, heads * stride});
  p.worker.sync();
}

// q = [q_pe | k_b^T q_nope] of every head, k = [k_pe | c], of which c is the value.
void compress(const Pass& p, const LatentPlan& plan, const Room& room) {
  p.for_pieces(plan.heads, [&](const Slice&, int row, int head) {
    const std::int64_t at = std::int64_t{row} * plan.heads + head;
    const float* q = room.projected_q + at * (plan.nope + plan.pe);
    const std::int64_t to = std::int64_t{head} * p.rows() + row;
    std::copy_n(q, plan.nope, room.by_head.row(to));
    room.by_head.round(p.kernels, to, {0, plan.nope}, kinds_of({&plan.k_b[0]}));
    std::copy_n(q + plan.nope, plan.pe, room.q + at * plan.head_dim);
  });
  p.for_rows([&](int row) {
    const float* kv = room.projected_kv + std::int64_t{row} * (plan.rank + plan.pe);
    std::copy_n(kv + plan.rank, plan.pe, room.key(plan, row));
    p.norm(plan.kv_a_norm, kv, plan.rank, room.value(plan, row));
  });
  p.worker.sync();
  multiply_heads(p, plan.k_b, room, room.q + plan.pe, plan.head_dim);
}

}  // namespace

ActKinds input_kinds(const LatentPlan& plan) noexcept {
  return kinds_of({&plan.q, &plan.q_a, &plan.kv_a, &plan.indexer.k, &plan.indexer.weights});
}

std::int64_t widest_input(const LatentPlan& plan) noexcept { return plan.out_cols(); }

void measure(Carver& carver, const LatentPlan& plan, const WorkspaceSizes& sizes) noexcept {
  Room(carver, plan, sizes);
}

void run(const Pass& p, const LatentPlan& plan, float* out) noexcept {
  Carver carver(p.ws.room);
  Room room(carver, plan, p.ws.sizes());
  project(p, plan, room);
  compress(p, plan, room);
  room.chosen = choose_keys(p, plan, room.q_latent, room.indexer);
  room.to = {room.by_head.row(0), room.by_head.stride(), p.rows() * room.by_head.stride()};
  attend(p, plan, room);
  p.round(room.by_head, std::int64_t{plan.heads} * p.rows(), plan.rank, kinds_of({&plan.v_b[0]}));
  p.worker.sync();
  multiply_heads(p, plan.v_b, room, room.values, plan.head_value);
  p.multiply_rows(plan.out, room.values, p.rows(), out);
}

}  // namespace longhand
