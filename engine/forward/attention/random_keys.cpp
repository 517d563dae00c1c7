#include "engine/forward/attention/random_keys.h"

#include <algorithm>
#include <cstdint>

#include "engine/forward/attention/attend.h"
#include "engine/forward/recurrence.h"

namespace longhand {
namespace {

// Uniform numbers of variance 1; xorshift (Marsaglia 2003), from a seed of their own for each head.
void draw(std::uint64_t seed, int n, float* to) noexcept {
  constexpr float kScale = 1.7320508f / 0x1p31f;  // sqrt 3
  std::uint64_t x = (seed + 1) * 0x9E3779B97F4A7C15u;
  for (int i = 0; i < n; ++i) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    to[i] = float(std::int32_t(x >> 32)) * kScale;
  }
}

// The state's changes come as they would with real queries.
void store_slice(const Pass& p, const AttentionCore& core, const AttentionRows& rows,
                 const Slice& slice) noexcept {
  const Range part = p.worker.split(std::int64_t{slice.rows} * core.kv_heads);
  AttentionState& state = slice.states.attention(core.state);
  for (std::int64_t i = part.begin; i < part.end; ++i) {
    const int position = slice.position + int(i / core.kv_heads), head = int(i % core.kv_heads);
    float *key = rows.key(core, i), *value = rows.value(core, i);
    const std::uint64_t seed =
        (std::uint64_t(position) << 24) + (std::uint64_t(core.state) << 12) + std::uint64_t(head);
    draw(2 * seed, core.head_dim, key);
    if (core.value_in_key < 0) draw(2 * seed + 1, core.value_dim, value);
    state.store({p.kernels, p.scratch(), head, position, key, value, {}, {}});
  }
  p.worker.sync();
  for (int begin = slice.position; begin < slice.end(); begin = state.same_until(begin, slice.end())) {
    if (!state.changes_at(begin)) continue;
    state.change(begin, p.worker, p.kernels, p.scratch());
    p.worker.sync();
  }
}

}  // namespace

void remember_at_random(const Pass& p) noexcept {
  for (const LayerPlan& layer : p.weights.layers) {
    for_each_attention(layer, [&](const AttentionCore& core) {
      if (!core.stores) return;
      Carver carver(p.ws.room);
      const AttentionRows rows(carver, core, p.ws.sizes());
      for (const Slice& slice : p.slices) store_slice(p, core, rows, slice);
    });
    // Recurrent states stay what they are: what a token costs does not depend on what is in them.
    for_each_recurrent(layer, [&](const RecurrentPlan& plan) { advance_states(p, plan); });
  }
}

}  // namespace longhand
