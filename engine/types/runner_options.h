// What a runner is made with.
#pragma once

#include <tuple>

#include "engine/types/limits.h"
#include "engine/types/option.h"

namespace longhand {

struct RunnerOptions {
  int threads = 0;          ///< 0: physical cores this process may use, fewer for very small models
  int prefill_threads = 0;  ///< while more than a few tokens are computed at once; 0: as `threads`
  int batch = 512;          ///< tokens computed at once, of all sessions together
};

// clang-format off
inline constexpr std::tuple kRunnerOptions = {
    Option{"threads", &RunnerOptions::threads, {0, kMaxThreads},
           "Threads; 0: one for each physical core, fewer for very small models", false},
    Option{"prefill_threads", &RunnerOptions::prefill_threads, {0, kMaxThreads},
           "Threads while reading; 0: as many as for writing", false},
    Option{"batch", &RunnerOptions::batch, {1, kMaxBatch}, "Tokens computed at once", false},
};
// clang-format on

}  // namespace longhand
