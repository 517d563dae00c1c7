// What selective scans over heads have in common (Mamba-2, arXiv 2405.21060).
#pragma once

#include "loaders/model/blocks/recurrent.h"
#include "ops/kernels.h"

namespace longhand {

/// With dt = softplus(time step + dt_bias), for every head: M <- exp(dt a) M + B (dt x)^T and y = M^T C + d
/// x. Heads of a group share B and C.
struct HeadScanPlan : RecurrentPlan {
  int heads = 0, head_dim = 0;
  int groups = 1, state_size = 0;  // heads is a multiple of groups
  const float* dt_bias = nullptr;  // (heads) or null: the time steps have theirs
  const float* a = nullptr;        // (heads)
  const float* d = nullptr;        // (heads)

  std::int64_t inner() const noexcept { return std::int64_t{heads} * head_dim; }
  std::int64_t group_values() const noexcept { return std::int64_t{groups} * state_size; }
  std::int64_t stride() const noexcept { return state_stride(head_dim); }
  /// Floats of a head's state (state_size, stride), and of all.
  std::int64_t head_values() const noexcept { return state_size * stride(); }
  std::int64_t state_values() const noexcept { return heads * head_values(); }
};

}  // namespace longhand
