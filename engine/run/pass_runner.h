// The threads and the workspace that compute passes, for one session or for many.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "engine/forward/pass.h"
#include "engine/run/sizes.h"

namespace longhand {

/// Up to so many tokens at once, as speculation has them, reading the weights is most of the work.
inline constexpr int kDecodeTokens = 8;

/// Told the logits (vocab) of wanted row number i.
using VisitRow = std::function<void(int i, std::span<const float> values)>;

class PassRunner {
 public:
  /// Throws Error(no_memory).
  PassRunner(const ModelCore& model, const ThreadPlan& threads, const WorkspaceSizes& sizes);

  int threads() const noexcept { return team_.size(); }
  /// Tokens computed at once at most.
  int rows() const noexcept { return ws_.sizes().rows; }
  std::uint64_t bytes() const noexcept { return ws_.bytes() + logits_.size() * sizeof(float); }
  /// Makes room for what another sequence asks for; `workers` is left as it is. Throws Error(no_memory) and
  /// changes nothing.
  void fit(WorkspaceSizes sizes);

  /// Rows of slices that follow one another in `tokens`, and the rows of which something is wanted, in
  /// ascending order.
  struct Request {
    std::span<const Slice> slices;
    std::span<const Token> tokens;
    std::span<const int> wanted = {};
    const float* inputs = nullptr;  // see Pass
    float* hidden = nullptr;        // (tokens, hidden) where final hidden states are to be left, normalised
  };
  /// Computes a pass; its sequences' states have been told. False where `stop` ended it early: then the
  /// states hold parts of it, and `visit` may not have seen all.
  bool run(const Request& request, Stop& stop, const VisitRow& visit = {});
  /// Computes a pass whose final hidden states are wanted, of every row; they are in hidden() until the next
  /// computation. False as above.
  bool run_hidden(const Request& request, Stop& stop);
  std::span<const float> hidden(int row) const noexcept;
  /// to (count, width) = what the model's head makes of pooled states (count, hidden), at most rows() of
  /// them. `slices`: whose states they are, a row for each state.
  void run_head(std::span<const float> states, bool scores, std::span<float> to,
                std::span<const Slice> slices);
  /// From now on `observer` sees every matrix product; null: nobody does. It must outlive its being here.
  void observe(MatmulObserver* observer) noexcept { observer_ = observer; }
  /// The states take in random keys and values instead, for measuring at depth.
  void remember_at_random(const Request& request, const std::atomic<bool>& cancel);

 private:
  Team& team_for(const Request& request) noexcept;
  Pass pass(const Request& request, const Worker& worker, Stop& stop) noexcept;

  const ModelCore& model_;
  Workspace ws_;
  Team team_;
  std::optional<Team> prefill_team_;  // where prompts have a thread count of their own
  std::vector<float> logits_;         // (kLogitRows, vocab)
  MatmulObserver* observer_ = nullptr;
};

}  // namespace longhand
