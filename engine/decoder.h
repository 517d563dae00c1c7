// The transformer: tokens in, final hidden states and logits out.
#pragma once

#include <atomic>

#include "engine/step.h"

namespace longhand {

/// Runs the layers over the step's tokens, appending their keys and values to the cache, and leaves the
/// normalised final hidden states in ws.in, rounded for the output head. Called by every worker of a team.
/// `cancel` is looked at once a layer; false when it stopped the step. (`stopped` is shared by the workers
/// and false at the start.)
bool forward(const Step& s, const std::atomic<bool>& cancel, std::atomic<bool>& stopped) noexcept;

/// Logits (rows, vocab) of rows [first, first + rows) that forward() left in ws.in.
void output_logits(const Step& s, int first, int rows, float* logits) noexcept;

}  // namespace longhand
