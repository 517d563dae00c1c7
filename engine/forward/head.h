// What stands behind the layers of models that make vectors or scores of texts.
#pragma once

#include "engine/forward/pass.h"

namespace longhand {

/// Final hidden states of all rows take the place of the stream in ws.x. Called by every worker; ends with a
/// barrier.
void finish_hidden(const Pass& pass) noexcept;

/// to (rows, hidden) = the final hidden states of all rows, normalised. Called by every worker.
void copy_hidden(const Pass& pass, float* to) noexcept;

/// to (count, width) = what the head makes of pooled states (count, hidden), at most as many as the workspace
/// has rows: scores (labels) by its classifier, or vectors. Called by every worker; ends with a barrier.
struct HeadJob {
  const float* states;
  int count;
  bool scores;
  float* to;
};
void run_head(const Pass& pass, const HeadJob& job) noexcept;

std::int64_t widest_input(const PoolingHead& head) noexcept;
void measure(Carver& carver, const PoolingHead& head, const WorkspaceSizes& sizes) noexcept;

}  // namespace longhand
