// How long and how wide a session is, and how many threads it gets.
#pragma once

#include <algorithm>

#include "engine/forward/model.h"
#include "engine/state/attention/kinds.h"
#include "engine/types/session_options.h"
#include "ops/topology.h"

namespace longhand {

/// How many threads compute, decoding and prompts, and where they run.
struct ThreadPlan {
  int decode, prefill;
  CpuSets cpus;

  int most() const noexcept { return std::max(decode, prefill); }
};

struct SessionSizes {
  int context, batch;
  ThreadPlan threads;
  MemoryPlan plan;
  bool cut = false;  // memory, not the model, set the context
};

/// The options, else what suits model and machine; at most as much context as a model has learned positions.
/// Throws Error: range, no_memory (with the context that
/// would fit).
SessionSizes choose_sizes(const ModelCore& model, const SessionOptions& options);

/// As the options say, where they are 0 what suits model and machine. Throws Error(range): CPUs that are
/// none.
ThreadPlan choose_threads(const ModelCore& model, const RunnerOptions& options);

}  // namespace longhand
