// What several families do to the numbers of a tensor: see TensorRule.
#pragma once

#include "engine/make/convert/family.h"

namespace longhand {

/// The first and the second half of the outputs: of gate and up projections that are stored as one.
TensorRows first_half(TensorRows rows, const RuleContext& at);
TensorRows second_half(TensorRows rows, const RuleContext& at);

/// x + 1: of norms that multiply by 1 + weight.
TensorRows plus_one(TensorRows rows, const RuleContext& at);
/// -exp(x): of decay rates that are stored as logarithms.
TensorRows minus_exp(TensorRows rows, const RuleContext& at);

/// Queries and keys whose rotated pairs are halves of a head, for architectures that rotate neighbours.
TensorRows pair_query_neighbours(TensorRows rows, const RuleContext& at);
TensorRows pair_key_neighbours(TensorRows rows, const RuleContext& at);

/// (channels, 1, taps) to (channels, taps).
TensorRows without_middle(TensorRows rows, const RuleContext& at);

/// Throws Error (shape) unless `rows` has `outputs` of them.
void need_outputs(const TensorRows& rows, std::int64_t outputs, const RuleContext& at);

}  // namespace longhand
