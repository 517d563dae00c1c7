#include "engine/forward/place.h"

#include <algorithm>
#include <cmath>

namespace longhand {
namespace {

// The norms of head h of a token, learned ones and then scaling to length 1. A rotation changes no length, so
// that a norm after it can come before, all but its weights: those of keys and queries both multiply the
// turned query.
void norm_head(const Pass& p, const AttentionCore& core, const NormPlan& norm, bool to_length_1, int h,
               float* head) {
  const int n = core.head_dim;
  if (core.qk_norm == QkNorm::per_head_turned) {
    p.norm({norm.kind, norm.epsilon, nullptr, nullptr}, head, n, head);
  } else if (!norm.empty() && !spans_heads(core.qk_norm)) {
    const bool own = core.qk_norm == QkNorm::own_per_head || core.qk_norm == QkNorm::own_layer_norm;
    p.norm(own ? norm.from(std::int64_t{h} * n) : norm, head, n, head);
  }
  if (to_length_1) p.to_length_1(head, n, 1e-12);
}

void rotate(const Pass& p, RotateArgs by, float* head) {
  by.x = head;
  if (by.rot > 0) p.kernels.rotate(by);
}

// The rotation of a query, and what of its norm comes after.
void rotate_query(const Pass& p, const AttentionCore& core, RotateArgs by, float* q) {
  rotate(p, by, q);
  if (core.qk_norm != QkNorm::per_head_turned) return;
  for (int d = 0; d < core.head_dim; ++d) q[d] *= core.q_norm.weight[d] * core.k_norm.weight[d];
}

// Norms that span all heads of a token come before the heads part.
void norm_full_width(const Pass& p, const AttentionCore& core, const AttentionRows& rows) {
  p.for_rows([&](int row) {
    float *q = rows.q + row * core.q_dim(), *k = rows.k + row * core.k_dim();
    p.norm(core.q_norm, q, std::int32_t(core.q_dim()), q);
    if (core.stores) p.norm(core.k_norm, k, std::int32_t(core.k_dim()), k);
  });
  p.worker.sync();
}

// Scales and rotates a query in place; where the state has far keys, a second copy is turned for them.
void place_query(const Pass& p, const AttentionCore& core, const AttentionRows& rows, const Slice& slice,
                 int row, int h) {
  const int n = core.head_dim;
  const std::int64_t at = (std::int64_t{row} * core.heads + h) * n;
  float* q = rows.q + at;
  norm_head(p, core, core.q_norm, p.config.attention.query_norm, h, q);
  const float scale = slice.positions.query_scale(core, slice.position_of(row));
  p.kernels.scale(q, core.q_scales == nullptr ? scale : scale * core.q_scales[h], n);
  if (asks_far(slice, core)) {
    float* far = rows.far_q + at;
    std::copy_n(q, n, far);
    rotate_query(p, core, rotation(p, core, slice, Rotation::far_query, row), far);
  }
  rotate_query(p, core, rotation(p, core, slice, slice.positions.rotation_of(core), row), q);
}

void place_key(const Pass& p, const AttentionCore& core, const AttentionRows& rows, const Slice& slice,
               int row, int h) {
  const std::int64_t at = std::int64_t{row} * core.kv_heads + h;
  float *k = rows.key(core, at), *v = rows.value(core, at);
  norm_head(p, core, core.k_norm, p.config.attention.key_norm, h, k);
  if (!core.value_norm.empty()) p.norm(core.value_norm, v, core.value_dim, v);
  slice.states.attention(core.state)
      .store({p.kernels, p.scratch(), h, slice.position_of(row), k, v,
              rotation(p, core, slice, slice.positions.rotation_of(core), row),
              rotation(p, core, slice, Rotation::far_key, row)});
}

}  // namespace

RotateArgs rotation(const Pass& p, const AttentionCore& core, const Slice& slice, Rotation which,
                    int row) noexcept {
  if (core.rope == Rope::none || !slice.positions.has(which)) return {};
  const std::int64_t at = (std::int64_t(which) * p.ws.sizes().rows + row) * p.ws.angles;
  return {nullptr, p.ws.cos + at, p.ws.sin + at, slice.positions.rot(which), core.rope == Rope::halves};
}

bool asks_far(const Slice& slice, const AttentionCore& core) noexcept {
  return core.window == 0 && slice.positions.has(Rotation::far_query);
}

// Work is shared out by (token, head), queries first.
void place(const Pass& p, const AttentionCore& core, const AttentionRows& rows) noexcept {
  if (spans_heads(core.qk_norm) && !core.q_norm.empty()) norm_full_width(p, core, rows);
  p.for_pieces(core.heads + (core.stores ? core.kv_heads : 0), [&](const Slice& slice, int row, int head) {
    if (head < core.heads) {
      place_query(p, core, rows, slice, row, head);
    } else {
      place_key(p, core, rows, slice, row, head - core.heads);
    }
  });
  p.worker.sync();
}

}  // namespace longhand
