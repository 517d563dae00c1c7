// What indexers choose (see IndexerPlan), before attention is computed over it.
#pragma once

#include "engine/forward/attention/attend.h"

namespace longhand {

/// What it takes to choose for the rows of a pass.
struct IndexerRoom {
  static constexpr int kRows = 16;  // whose scores are computed together

  float* q = nullptr;                           // (rows, heads, width)
  float* k = nullptr;                           // (rows, width)
  float* weights = nullptr;                     // (rows, heads), where all heads give one score
  float *scores = nullptr, *ordered = nullptr;  // (kRows, choices, blocks) of the blocks
  std::int64_t blocks = 0;                      // of the longest text
  Chosen chosen;

  IndexerRoom(Carver& carver, const IndexerPlan& plan, const WorkspaceSizes& sizes) noexcept;
};

/// Lets the states keep the keys of the pass's tokens, and chooses for their queries where the states choose
/// at all; nothing where there is no indexer. `queries` is what the plan's q reads, rounded for it, and ws.in
/// what the rest reads. Called by every worker after a barrier; ends with one.
Chosen choose_keys(const Pass& pass, const AttentionCore& core, const Activations& queries,
                   const IndexerRoom& room) noexcept;

}  // namespace longhand
