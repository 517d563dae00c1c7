#include "engine/run/speculate/rewind_room.h"

#include <algorithm>

#include "engine/state/attention/kinds.h"

namespace longhand {

RewindRoom::RewindRoom(const ModelConfig& config, const SessionOptions& options)
    : batch_(options.batch), window_(plan_memory(config, options).window) {}

int RewindRoom::after(int size) const noexcept {
  const int room = std::max(0, batch_ - 1);
  return window_ == 0 ? room : std::min(room, window_ - 1 - size % window_);
}

}  // namespace longhand
