// The transformer: tokens in, final hidden states and logits out.
#pragma once

#include "engine/step.h"

namespace longhand {

/// Runs the layers over the step's tokens, appending their keys and values to the cache, and leaves the
/// normalised final hidden states in ws.in, rounded for the output head. Called by every worker of a team.
/// False when the step was stopped.
bool forward(const Step& s) noexcept;

/// Logits (rows, vocab) of rows [first, first + rows) that forward() left in ws.in.
void output_logits(const Step& s, int first, int rows, float* logits) noexcept;

}  // namespace longhand
