#include "engine/memory/memories.h"

#include <algorithm>
#include <limits>

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
    layers_.push_back(of_layer.kind->make(
        {of_layer, c, w.layers[il], kv, int(il), layer.heads, layer.kv_heads, context, batch}));
    checkpoint_bytes_ += layers_.back()->most_live();
  }
  checkpoints_.resize(forgets() ? std::size_t(plan.checkpoints) : 0);
}

void Memories::reserve() {
  for (const auto& layer : layers_) layer->reserve();
  for (Checkpoint& c : checkpoints_) c.bytes = Buffer(std::size_t(checkpoint_bytes_));
}

std::uint64_t Memories::bytes() const noexcept {
  std::uint64_t sum = checkpoints_.size() * checkpoint_bytes_;
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
  return size >= floor_ && std::all_of(layers_.begin(), layers_.end(),
                                       [&](const auto& layer) { return layer->reaches(size, written_); });
}

void Memories::live(int size, const VisitBytes& visit) {
  for (const auto& layer : layers_) layer->live(size, visit);
}

void Memories::set_marks(Marks marks) noexcept {
  written_ = marks.written;
  floor_ = marks.floor;
}

void Memories::held(std::size_t il, int size, const VisitBytes& visit) {
  layers_[il]->held(size, written_, visit);
}

bool Memories::sound(int size) const noexcept {
  return reaches(size) &&
         std::all_of(layers_.begin(), layers_.end(), [&](const auto& layer) { return layer->sound(size); });
}

// A free checkpoint, or the one that is missed least: going back d tokens should cost in proportion to d, so
// what counts is the gap it leaves against how far back that is. The last one stays.
Memories::Checkpoint& Memories::free_checkpoint(int size) noexcept {
  std::size_t least = 0;
  double least_cost = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < checkpoints_.size(); ++i) {
    if (checkpoints_[i].size == 0) return checkpoints_[i];
    if (i + 1 == checkpoints_.size()) break;
    const int before = i == 0 ? 0 : checkpoints_[i - 1].size, after = checkpoints_[i + 1].size;
    const double cost = double(after - before) / double(size - after);
    if (cost < least_cost) {
      least_cost = cost;
      least = i;
    }
  }
  std::rotate(checkpoints_.begin() + std::ptrdiff_t(least), checkpoints_.begin() + std::ptrdiff_t(least) + 1,
              checkpoints_.end());
  return checkpoints_.back();
}

void Memories::keep(int size, bool turn) noexcept {
  constexpr int kSpacing = 1024;  // tokens; a copy costs about as much as a few of them
  int last = 0;
  for (const Checkpoint& c : checkpoints_) last = std::max(last, c.size);
  if (checkpoints_.empty() || size <= last || (!turn && size - last < kSpacing)) return;
  Checkpoint& c = free_checkpoint(size);
  c.size = size;
  std::byte* to = c.bytes.data();
  live(size, [&](std::byte* from, std::size_t n) {
    std::copy_n(from, n, to);  // n may be 0, and then there need not be memory
    to += n;
  });
}

int Memories::back_from(int size) const noexcept {
  if (reaches(size)) return size;
  int best = 0;
  for (const Checkpoint& c : checkpoints_) {
    if (c.size <= size) best = std::max(best, c.size);
  }
  return best;
}

int Memories::go_back(int size) {
  const int start = back_from(size);
  // Another text may follow, to which later checkpoints do not belong.
  Checkpoint* from = nullptr;
  for (Checkpoint& c : checkpoints_) {
    if (c.size > size) c.size = 0;
    if (c.size == start && start > 0) from = &c;
  }
  if (reaches(size)) return size;
  for (const auto& layer : layers_) layer->clear();
  if (from != nullptr) {
    // Which pieces there are follows from what has left, which is the first piece of its layer.
    const std::byte* bytes = from->bytes.data();
    live(start, [&](std::byte* to, std::size_t n) {
      std::copy_n(bytes, n, to);
      bytes += n;
    });
  }
  written_ = floor_ = start;
  return start;
}

}  // namespace longhand
