// What a block remembers of a sequence: how long it lives, how far it goes back, and what of it is saved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace longhand {

/// Called with pieces of a state.
using VisitBytes = std::function<void(std::byte*, std::size_t)>;

class LayerState {
 public:
  LayerState() = default;
  LayerState(const LayerState&) = delete;
  LayerState& operator=(const LayerState&) = delete;
  virtual ~LayerState() = default;

  /// Bytes it will take, or takes; all that held() visits is among them.
  virtual std::uint64_t bytes() const noexcept = 0;
  /// Bytes of WorkerScratch::memory it works with.
  virtual std::size_t scratch_bytes() const noexcept { return 0; }
  /// Allocates. Throws Error(no_memory).
  virtual void reserve() = 0;

  /// Call before tokens [from, to) are stored. Throws Error(no_memory) and changes nothing.
  virtual void will_write(int from, int to) { (void)from, (void)to; }

  /// Whether the state, with all up to `written` stored at some time, can serve tokens from `size` on as if
  /// nothing had come after.
  virtual bool reaches(int size, int written) const noexcept = 0;
  /// What later tokens will write over of what tokens from `size` on need: while they have not come yet, all
  /// up to `size` have. Writing the same bytes back serves those tokens again, provided the text up to
  /// `size` is the same.
  virtual void live(int size, const VisitBytes& visit) = 0;
  /// Bytes that live() visits at most; 0 for states that never let go of anything.
  virtual std::uint64_t most_live() const noexcept = 0;
  /// Whether writing back what live() visited for `size` tokens at some time still brings that state back.
  virtual bool restores(int size) const noexcept {
    (void)size;
    return true;
  }
  /// Back to an empty text.
  virtual void clear() noexcept {}

  /// All that the first `size` tokens left that is still there with all up to `written` stored at some time,
  /// provided it reaches `size`. Written into a new state of the same kind and sizes it serves the tokens
  /// it served, of all positions up to `size`. What pieces there are may follow from earlier ones; whatever
  /// is in them, they lie inside the state.
  virtual void held(int size, int written, const VisitBytes& visit) = 0;
  /// Whether what held() visited can be followed wherever it leads; to be asked after it was written into.
  virtual bool sound(int size) const noexcept {
    (void)size;
    return true;
  }
  /// Becomes a copy of a state of the same kind and sizes by sharing its memory, each copying a piece before
  /// it writes to it. False for states that cannot: then held() pieces are copied.
  virtual bool share(const LayerState& other) {
    (void)other;
    return false;
  }
};

}  // namespace longhand
