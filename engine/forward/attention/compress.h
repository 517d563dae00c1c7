// How attention with compressed keys makes them (see CompressorPlan).
#pragma once

#include "engine/forward/pass.h"

namespace longhand {

/// What the rows of a pass leave to one compressor: its products, (rows, plan.rows()) each.
struct CompressorRows {
  float *value, *gate;

  CompressorRows(Carver& carver, const CompressorPlan& plan, const WorkspaceSizes& sizes) noexcept
      : value(carver.floats(sizes.rows, plan.rows())), gate(carver.floats(sizes.rows, plan.rows())) {}
};

struct CompressRoom {
  CompressorRows keys, index_keys;
  float* work;             // (workers, 3 widest keys) largest gates, sums of weights, the key at work
  float* angles;           // (workers, 2, rot / 2) cos and sin of its position
  std::int64_t width = 0;  // of the widest key

  CompressRoom(Carver& carver, const CompressedPlan& plan, const WorkspaceSizes& sizes) noexcept;
};

/// Makes the keys of all blocks that end in the pass out of `room`'s rows and what the states hold of earlier
/// tokens, stores them, and lets the states hold what later blocks need. Called by every worker after a
/// barrier; ends with one.
void compress(const Pass& pass, const CompressedPlan& plan, const CompressRoom& room) noexcept;

}  // namespace longhand
