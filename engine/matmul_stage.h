// Several matrix products that belong to one stage, shared out to the workers as one piece of work.
#pragma once

#include <span>

#include "engine/activations.h"
#include "loaders/weights.h"
#include "ops/kernels.h"
#include "ops/parallel.h"

namespace longhand {

/// out[t] = linear(x[t]) for `tokens` rows of x from `first` on.
struct MatmulJob {
  const Linear* linear;
  const Activations* x;
  std::int64_t first;
  std::int32_t tokens;
  float* out;  // (tokens, out features)
  std::int64_t out_stride;
};

/// Computes this worker's share of all jobs. `panel` is the worker's scratch, panel_bytes() of every
/// weight it may meet that still lies in rows. Each output is computed by one worker, in an order that does
/// not depend on how many there are.
void run_matmuls(const Kernels& kernels, const Worker& worker, std::span<const MatmulJob> jobs,
                 std::byte* panel) noexcept;

}  // namespace longhand
