// Several matrix products that belong to one stage, shared out to the workers as one piece of work.
#pragma once

#include <atomic>
#include <span>

#include "engine/forward/activations.h"
#include "loaders/model/weights.h"
#include "ops/kernels.h"
#include "ops/parallel.h"

namespace longhand {

/// For `tokens` rows of a job's output from `first` on: out[t] += b low[t].
struct LowRankTerm {
  MatView b;  // (out features, rank) in panels, of F32 or F16
  std::int32_t first, tokens;
  const float* low;  // (tokens, low_stride)
  std::int64_t low_stride;
};

/// out[t] = linear(x[t]) for `tokens` rows of x from `first` on.
struct MatmulJob {
  const Linear* linear;
  const Activations* x;
  std::int64_t first;
  std::int32_t tokens;
  float* out;  // (tokens, out features)
  std::int64_t out_stride;
  const std::int32_t* pass_rows = nullptr;      // (tokens) rows of the pass, ascending; null: 0, 1, 2, ...
  std::span<const LowRankTerm> low_ranks = {};  // what is added to the outputs
};

/// Adds a term to rows [16 panel_begin, 16 panel_end) of the outputs `out` (tokens, out_stride) of a job.
void add_low_rank(const Kernels& kernels, const LowRankTerm& term, float* out, std::int64_t out_stride,
                  Range panels) noexcept;

/// Whoever wants to know what matrices are multiplied with.
class MatmulObserver {
 public:
  virtual ~MatmulObserver() = default;
  /// Called by every worker before it computes its share of these jobs, whose inputs stay as they are until
  /// all have come to the next barrier.
  virtual void see(const Worker& worker, std::span<const MatmulJob> jobs) noexcept = 0;
};

/// The request, from another thread, that a run of the workers end early.
struct Stop {
  using Wish = const std::atomic<bool>*;

  explicit Stop(const std::atomic<bool>& request) : own_(&request), wishes_(&own_, 1) {}
  /// Where several ask for what is computed, all of them must want it to stop.
  explicit Stop(std::span<const Wish> wishes) : wishes_(wishes) {}

  std::atomic<bool> cut_short{false};  ///< some work was left out: what the run computes means nothing
  std::atomic<bool> leaving{false};    ///< what the first worker told the others when they last met

  bool requested() noexcept {
    for (const Wish request : wishes_)
      if (!request->load(std::memory_order_relaxed)) return false;
    cut_short.store(true, std::memory_order_relaxed);
    return true;
  }

 private:
  Wish own_ = nullptr;
  std::span<const Wish> wishes_;
};

/// Computes this worker's share of all jobs, or leaves out the rest of it when it is to stop. `panel` is the
/// worker's scratch, panel_bytes() of every weight it may meet that still lies in rows. Each output is
/// computed by one worker, in an order that does not depend on how many there are.
void run_matmuls(const Kernels& kernels, const Worker& worker, std::span<const MatmulJob> jobs,
                 std::byte* panel, Stop& stop) noexcept;

}  // namespace longhand
