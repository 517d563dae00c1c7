// How a session keeps within a number of bytes, or a pace, that somebody asked for.
#pragma once

#include "engine/forward/model.h"
#include "engine/state/attention/kinds.h"
#include "engine/types/session_options.h"

namespace longhand {

struct BoundedPlan {
  MemoryPlan plan;
  int batch;  ///< tokens stored at once at most
};

/// `wanted`, whose plan is that of `options`, for texts of `context` tokens; or, where the memory it makes is
/// larger than options.memory_budget, or options.min_speed asks for a way to grow faster, one under which old
/// tokens are remembered in summary some time: as late as the budget allows. Batches are smaller where
/// nothing else fits. Throws Error: range (numbers that are none); no_memory (nothing fits, or this model or
/// these options keep a memory that is larger: the message tells both sizes).
BoundedPlan plan_within(const ModelCore& model, const SessionOptions& options, const BoundedPlan& wanted,
                        int context);

}  // namespace longhand
