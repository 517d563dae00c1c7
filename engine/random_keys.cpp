// A long text made up: keys and values as random as a model's never are, for measuring what depth costs.

#include <cstdint>

#include "engine/step.h"

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

void store_layer(const Step& s, int il, int kv_heads) noexcept {
  const Range part = s.worker.split(std::int64_t{s.tokens} * kv_heads);
  for (std::int64_t i = part.begin; i < part.end; ++i) {
    const int position = s.position + int(i / kv_heads), head = int(i % kv_heads);
    float* key = s.ws.k.as<float>() + i * s.config.head_dim;
    float* value = s.ws.v.as<float>() + i * s.config.value_dim;
    const std::uint64_t seed =
        (std::uint64_t(position) << 24) + (std::uint64_t(il) << 12) + std::uint64_t(head);
    draw(2 * seed, s.config.head_dim, key);
    draw(2 * seed + 1, s.config.value_dim, value);
    s.memories.layer(il).store({s.kernels, s.scratch(), head, position, key, value, {}, {}});
  }
}

}  // namespace

void remember_at_random(const Step& s) noexcept {
  for (int il = 0; il < int(s.config.layers.size()); ++il) {
    store_layer(s, il, s.config.layers[std::size_t(il)].kv_heads);
    s.worker.sync();
    Memory& memory = s.memories.layer(il);
    const int end = s.position + s.tokens;
    for (int begin = s.position; begin < end; begin = memory.same_until(begin, end)) {
      if (!memory.changes_at(begin)) continue;
      memory.change(begin, s.worker, s.kernels, s.scratch());
      s.worker.sync();
    }
  }
}

}  // namespace longhand
