// The inputs that every layer gets from a token beside the stream.
#pragma once

#include "engine/forward/pass.h"

namespace longhand {

/// What compute_per_layer_inputs() takes from the room of the blocks.
void measure_per_layer_inputs(Carver& carver, const PerLayerInputs& plan,
                              const WorkspaceSizes& sizes) noexcept;
/// ws.per_layer (rows, layers, width) = (norm(projection x / sqrt(hidden)) + sqrt(width) tokens[token]) /
/// sqrt(2), where x is the embedding. Called by every worker, after each has embedded its rows.
void compute_per_layer_inputs(const Pass& pass) noexcept;

}  // namespace longhand
