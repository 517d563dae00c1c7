// What all blocks of a model remember of one sequence.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "engine/state/attention/kinds.h"
#include "engine/state/recurrent_state.h"

namespace longhand {

class States {
 public:
  /// Of texts of up to `context` tokens stored at most `batch` at once. Allocates nothing yet.
  /// Throws Error: range.
  States(const ModelConfig& config, const Weights& weights, const SessionOptions& options,
         const MemoryPlan& plan, int context, int batch);
  /// Throws Error(no_memory).
  void reserve();
  std::uint64_t bytes() const noexcept;

  AttentionState& attention(int state) noexcept { return *attention_[std::size_t(state)]; }
  RecurrentState& recurrent(int state) noexcept { return *recurrent_[std::size_t(state)]; }
  int most_parts() const noexcept;
  std::size_t scratch_bytes() const noexcept;

  /// Call before tokens [from, to) are stored. Throws Error(no_memory) and changes nothing.
  void will_write(int from, int to);
  /// Keeps a checkpoint of the state after `size` tokens, which the memories hold just now, where going back
  /// to it may not be possible later. `turn`: something new begins here, which users like to go back to;
  /// elsewhere a checkpoint is only kept a good way after the last.
  void keep(int size, bool turn) noexcept;
  /// Keeps the state after `size` tokens until this is called again, beside all checkpoints, where going back
  /// over a few tokens would else compute much anew. Where memory is out, nothing is kept.
  void keep_for_guesses(int size) noexcept;
  /// Memories that may become summaries of themselves do so soon after `position`.
  void condense(int position) noexcept;
  /// Queries from there on ask them; 0: there are none.
  int summary_from() const noexcept;
  /// Whether they can serve queries from `size` on as if nothing had come after.
  bool reaches(int size) const noexcept;
  /// Where go_back(size) would go.
  int back_from(int size) const noexcept;
  /// Makes the memories serve queries from some position on, and returns it: `size` where they can go back so
  /// far, else an earlier one; the tokens from there to `size` must be computed again.
  int go_back(int size);

  /// Whether tokens can leave the middle of the text.
  bool can_cut() const noexcept;
  /// Call when they have left every state.
  void was_cut(const Cut& cut) noexcept { written_ = cut.size - cut.moved(); }

  /// How far the memories were written, and the first position they serve without going back. Together with
  /// what held() visits all there is but checkpoints.
  struct Marks {
    int written = 0, floor = 0;
  };
  Marks marks() const noexcept { return {written_, floor_}; }
  /// Call on new states before held() writes into them.
  void set_marks(Marks marks) noexcept;
  std::size_t count() const noexcept { return states_.size(); }
  std::uint64_t bytes_of(std::size_t state) const noexcept { return states_[state]->bytes(); }
  /// All of the first `size` tokens that a state holds, where the states reach `size`. See LayerState.
  void held(std::size_t state, int size, const VisitBytes& visit);
  bool sound(int size) const noexcept;
  /// New states of the same kinds and sizes become copies of others, which hold `size` tokens; large pieces
  /// are shared until one of both writes to them. Throws Error(no_memory).
  void copy(States& from, int size);

 private:
  struct Checkpoint {
    int size = 0;
    Buffer bytes;  // what live() of every state visits
  };

  bool forgets() const noexcept { return checkpoint_bytes_ > 0; }
  void live(int size, const VisitBytes& visit);
  Checkpoint& free_checkpoint(int size) noexcept;
  void save(Checkpoint& to, int size) noexcept;
  const Checkpoint* last_before(int size) const noexcept;
  bool restores(int size) const noexcept;

  std::vector<std::unique_ptr<LayerState>> states_;  // by the numbers that blocks refer to
  std::vector<AttentionState*> attention_;           // those of them that are such, by the same numbers
  std::vector<RecurrentState*> recurrent_;
  int written_ = 0;
  int floor_ = 0;                        // nothing before this can be served as it is
  std::uint64_t checkpoint_bytes_ = 0;   // of one at most
  Checkpoint guess_;                     // see keep_for_guesses()
  std::vector<Checkpoint> checkpoints_;  // in use: ascending sizes; the others, of size 0, last
};

}  // namespace longhand
