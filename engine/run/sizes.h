// How long and how wide a session is, and how many threads it gets.
#pragma once

#include "engine/forward/model.h"
#include "engine/state/attention/kinds.h"
#include "engine/types/session_options.h"

namespace longhand {

struct SessionSizes {
  int context, batch, threads, prefill_threads;
  MemoryPlan plan;
  bool cut = false;  // memory, not the model, set the context
};

/// The options, else what suits model and machine; at most as much context as a model has learned positions.
/// Throws Error: range, no_memory (with the context that
/// would fit).
SessionSizes choose_sizes(const ModelCore& model, const SessionOptions& options);

/// Threads for decoding and for prompts; 0: what suits model and machine.
struct ThreadCounts {
  int decode, prefill;
};
ThreadCounts choose_threads(const ModelCore& model, int threads, int prefill_threads) noexcept;

}  // namespace longhand
