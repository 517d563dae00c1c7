// The transformer: tokens in, final hidden states and logits out.
#pragma once

#include "engine/forward/pass.h"

namespace longhand {

/// Runs the layers over the pass's tokens, which the sequences' states take in, and leaves the residual
/// stream in ws.x. Called by every worker of a team. False when the pass was stopped.
bool forward(const Pass& pass) noexcept;

/// Hidden states (rows, hidden), normalised, of some rows that forward() left, at most as many as the pass
/// has. They are in ws.in, rounded for the output head. Called by every worker; ends with a barrier.
void final_hidden(const Pass& pass, std::span<const int> rows) noexcept;

/// Logits (rows, vocab) of the rows, in ascending order, that final_hidden() left. Called by every worker.
void output_logits(const Pass& pass, std::span<const int> rows, float* logits) noexcept;

}  // namespace longhand
