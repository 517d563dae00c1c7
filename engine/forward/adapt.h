// Where adapters and control vectors change what a pass computes.
#pragma once

#include "engine/forward/pass.h"

namespace longhand {

/// x (hidden) += what the slice's adapters change in the embedding of `row`'s token.
void adapt_embedding(const Pass& pass, const Slice& slice, int row, float* x) noexcept;

/// Adds the directions of a layer to the stream behind it. Each worker does the rows it has in for_rows().
void steer(const Pass& pass, int layer) noexcept;

}  // namespace longhand
