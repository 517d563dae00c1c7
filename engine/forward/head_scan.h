// Selective scans over heads.
#pragma once

#include "engine/forward/pass.h"

namespace longhand {

/// What a scan reads, row by row, and where it works.
struct HeadScanRows {
  const float* x = nullptr;  // (rows, x_stride): heads of (head_dim)
  std::int64_t x_stride = 0;
  const float *b = nullptr, *c = nullptr;  // (rows, bc_stride): groups of (state_size)
  std::int64_t bc_stride = 0;
  const float* steps = nullptr;  // (rows, steps_stride): (heads) before the softplus
  std::int64_t steps_stride = 0;
  float *dt = nullptr, *decay = nullptr;  // (rows, heads) scratch
  float* out = nullptr;                   // (rows, inner)
};

/// Scans the rows of every slice, each from where its state stands. Called by every worker after a barrier;
/// ends with one.
void scan_heads(const Pass& pass, const HeadScanPlan& plan, const HeadScanRows& rows) noexcept;

}  // namespace longhand
