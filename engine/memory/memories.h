// What all layers of a session remember together.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "engine/memory/kinds.h"

namespace longhand {

class Memories {
 public:
  /// Of texts of up to `context` tokens stored at most `batch` at once. Allocates nothing yet.
  /// Throws Error: range.
  Memories(const ModelConfig& config, const Weights& weights, const SessionOptions& options,
           const MemoryPlan& plan, int context, int batch);
  /// Throws Error(no_memory).
  void reserve();
  std::uint64_t bytes() const noexcept;

  Memory& layer(int il) noexcept { return *layers_[std::size_t(il)]; }
  int most_parts() const noexcept;
  std::size_t scratch_bytes() const noexcept;

  /// Call before tokens up to `end` are stored.
  void will_write(int end) noexcept { written_ = std::max(written_, end); }
  /// Keeps a checkpoint of the state after `size` tokens, which the memories hold just now, where going back
  /// to it may not be possible later. `turn`: something new begins here, which users like to go back to;
  /// elsewhere a checkpoint is only kept a good way after the last.
  void keep(int size, bool turn) noexcept;
  /// Whether they can serve queries from `size` on as if nothing had come after.
  bool reaches(int size) const noexcept;
  /// Where go_back(size) would go.
  int back_from(int size) const noexcept;
  /// Makes the memories serve queries from some position on, and returns it: `size` where they can go back so
  /// far, else an earlier one; the tokens from there to `size` must be computed again.
  int go_back(int size);

  /// How far the memories were written, and the first position they serve without going back. Together with
  /// what held() visits all there is but checkpoints.
  struct Marks {
    int written = 0, floor = 0;
  };
  Marks marks() const noexcept { return {written_, floor_}; }
  /// Call on new memories before held() writes into them.
  void set_marks(Marks marks) noexcept;
  std::size_t layers() const noexcept { return layers_.size(); }
  /// All of the first `size` tokens that layer `il` holds, where the memories reach `size`. See Memory.
  void held(std::size_t il, int size, const VisitBytes& visit);
  bool sound(int size) const noexcept;

 private:
  struct Checkpoint {
    int size = 0;
    Buffer bytes;  // what live() of every layer visits
  };

  bool forgets() const noexcept { return checkpoint_bytes_ > 0; }
  void live(int size, const VisitBytes& visit);
  Checkpoint& free_checkpoint(int size) noexcept;

  std::vector<std::unique_ptr<Memory>> layers_;
  int written_ = 0;
  int floor_ = 0;                        // nothing before this can be served as it is
  std::uint64_t checkpoint_bytes_ = 0;   // of one at most
  std::vector<Checkpoint> checkpoints_;  // in use: ascending sizes; the others, of size 0, last
};

}  // namespace longhand
