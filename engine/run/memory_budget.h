// How a session keeps within a number of bytes, or a pace, that somebody asked for.
#pragma once

#include "engine/forward/model.h"
#include "engine/state/attention/kinds.h"
#include "engine/types/session_options.h"

namespace longhand {

/// `plan`, which is that of `options` for texts of `context` tokens stored at most `batch` at once; or, where
/// the memory it makes is larger than options.memory_budget, or options.min_speed asks for a way to grow
/// faster, one under which old tokens are remembered in summary some time: as late as the budget allows.
/// Throws Error: range (numbers that are none); no_memory (nothing fits, or this model or these options keep
/// a memory that is larger: the message tells both sizes).
MemoryPlan plan_within(const ModelCore& model, const SessionOptions& options, const MemoryPlan& plan,
                       int context, int batch);

}  // namespace longhand
