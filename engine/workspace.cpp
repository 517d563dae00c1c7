#include "engine/workspace.h"

#include <algorithm>

#include "engine/position.h"
#include "ops/kernels.h"

namespace longhand {
namespace {

Buffer floats(std::int64_t rows, std::int64_t cols) {
  return Buffer(std::size_t(rows) * std::size_t(cols) * sizeof(float));
}

}  // namespace

Workspace::Workspace(const ModelConfig& c, const WorkspaceSizes& sizes) : batch(sizes.batch) {
  std::int64_t q_dim = 0, k_dim = 0, v_dim = 0, att_dim = 0, ff = c.shared_ff;
  for (const LayerPlan& l : c.layers) {
    q_dim = std::max(q_dim, std::int64_t{l.heads} * c.head_dim);
    att_dim = std::max(att_dim, std::int64_t{l.heads} * c.value_dim);
    k_dim = std::max(k_dim, std::int64_t{l.kv_heads} * c.head_dim);
    v_dim = std::max(v_dim, std::int64_t{l.kv_heads} * c.value_dim);
    ff = std::max(ff, std::int64_t{l.ff});
  }
  const std::int64_t slots = std::int64_t{batch} * c.experts_used;
  x = floats(batch, c.hidden);
  in = Activations(batch, std::max({std::int64_t{c.hidden}, att_dim, ff}));
  q = floats(batch, q_dim);
  far_q = floats(sizes.far_queries ? batch : 0, q_dim);
  k = floats(batch, k_dim);
  v = floats(batch, v_dim);
  out = floats(batch, c.hidden);
  const bool parallel =
      std::any_of(c.layers.begin(), c.layers.end(), [](const LayerPlan& l) { return l.parallel; });
  aside = floats(parallel ? batch : 0, c.hidden);
  const std::int64_t ff_values = std::max(batch * ff, slots * c.expert_ff);
  gate = floats(1, ff_values);
  up = floats(1, ff_values);
  cos = floats(kTurns * std::int64_t{batch}, c.rope.rot / 2);
  sin = floats(kTurns * std::int64_t{batch}, c.rope.rot / 2);
  if (c.experts > 0) {
    expert_in = Activations(slots, c.hidden);
    expert_mid = Activations(slots, c.expert_ff);
    router = floats(batch, c.experts);
    expert_out = floats(slots, c.hidden);
    shared_weight = floats(batch, 1);
    chosen.resize(std::size_t(slots));
    weight.resize(std::size_t(slots));
    slot_row.resize(std::size_t(slots));
    expert_begin.resize(std::size_t(c.experts) + 1);
  }
  // Attention is split over the cache only while there are fewer units than this.
  max_units = 2 * sizes.workers;
  partials = floats(std::int64_t{max_units} * sizes.attention_parts * kAttendRows, c.value_dim + 2);
  for (int i = 0; i < sizes.workers; ++i) {
    scratch.push_back({Buffer(sizes.panel_scratch), floats(kAttendRows, kAttendKeys),
                       floats(kAttendRows + 3, std::max(c.head_dim, c.value_dim)),
                       Buffer(sizes.memory_scratch)});
  }
}

std::uint64_t Workspace::bytes() const noexcept {
  std::uint64_t sum = in.bytes() + expert_in.bytes() + expert_mid.bytes();
  for (const Buffer* b : {&x, &q, &far_q, &k, &v, &out, &aside, &gate, &up, &cos, &sin, &partials, &router,
                          &expert_out, &shared_weight})
    sum += b->size();
  for (const WorkerScratch& s : scratch)
    sum += s.panel.size() + s.scores.size() + s.acc.size() + s.memory.size();
  return sum;
}

}  // namespace longhand
