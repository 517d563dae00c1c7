#include "engine/memory/memories.h"

#include <algorithm>

namespace longhand {

Memories::Memories(const ModelConfig& c, const Weights& w, const SessionOptions& o, const MemoryPlan& plan,
                   int context, int batch) {
  const KvShape kv(c, o.key_cache, o.value_cache);
  for (std::size_t il = 0; il < c.layers.size(); ++il) {
    const LayerPlan& layer = c.layers[il];
    // A layer that sees only a window by its architecture keeps it, whatever the others remember.
    MemoryPlan own{find_memory("window")};
    own.window = layer.window;
    const MemoryPlan& of_layer = layer.window > 0 ? own : plan;
    layers_.push_back(
        of_layer.kind->make({of_layer, c, w.layers[il], kv, int(il), layer.kv_heads, context, batch}));
  }
}

void Memories::reserve() {
  for (const auto& layer : layers_) layer->reserve();
}

std::uint64_t Memories::bytes() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& layer : layers_) sum += layer->bytes();
  return sum;
}

std::size_t Memories::scratch_bytes() const noexcept {
  std::size_t most = 0;
  for (const auto& layer : layers_) most = std::max(most, layer->scratch_bytes());
  return most;
}

int Memories::most_parts() const noexcept {
  int most = 0;
  for (const auto& layer : layers_) most = std::max(most, layer->most_parts());
  return most;
}

bool Memories::reaches(int size) const noexcept {
  return std::all_of(layers_.begin(), layers_.end(),
                     [&](const auto& layer) { return layer->reaches(size, written_); });
}

int Memories::go_back(int size) {
  if (reaches(size)) return size;
  for (const auto& layer : layers_) layer->clear();
  written_ = 0;
  return 0;
}

}  // namespace longhand
