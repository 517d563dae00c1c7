// The first half of attention: what a token's position and the norms of heads do to its queries, keys and
// values.
#pragma once

#include "engine/forward/attention/attend.h"

namespace longhand {

/// Whether a layer's queries also look at far keys, in a copy of their own.
bool asks_far(const Slice& slice, const AttentionCore& core) noexcept;

/// The rotation of a row; in layers that rotate nothing, none.
RotateArgs rotation(const Pass& pass, const AttentionCore& core, const Slice& slice, Rotation which,
                    int row) noexcept;

/// Queries become what the states are asked with, in place; the states take in keys and values. Ends with a
/// barrier.
void place(const Pass& pass, const AttentionCore& core, const AttentionRows& rows) noexcept;

}  // namespace longhand
