// What all layers of a session remember together.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "engine/memory/kinds.h"

namespace longhand {

class Memories {
 public:
  /// Of texts of up to `context` tokens stored at most `batch` at once. Allocates nothing yet. Throws Error:
  /// range.
  Memories(const ModelConfig& config, const Weights& weights, const SessionOptions& options,
           const MemoryPlan& plan, int context, int batch);
  /// Throws Error(no_memory).
  void reserve();
  std::uint64_t bytes() const noexcept;

  Memory& layer(int il) noexcept { return *layers_[std::size_t(il)]; }
  int most_parts() const noexcept;
  std::size_t scratch_bytes() const noexcept;

  /// To be told before tokens up to `end` are stored.
  void will_write(int end) noexcept { written_ = std::max(written_, end); }
  /// Whether they can serve queries from `size` on as if nothing had come after.
  bool reaches(int size) const noexcept;
  /// Makes the memories serve queries from some position on, and returns it: `size` where they can go back so
  /// far, else an earlier one; the tokens from there to `size` must be computed again.
  int go_back(int size);

 private:
  std::vector<std::unique_ptr<Memory>> layers_;
  int written_ = 0;
};

}  // namespace longhand
