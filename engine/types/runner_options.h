// What a runner is made with.
#pragma once

#include <string>
#include <tuple>

#include "engine/types/limits.h"
#include "engine/types/option.h"

namespace longhand {

struct RunnerOptions {
  int threads = 0;          ///< 0: physical cores this process may use, fewer for very small models
  int prefill_threads = 0;  ///< while more than a few tokens are computed at once; 0: as `threads`
  int batch = 512;          ///< tokens computed at once, of all sessions together
  /// Where threads run: "0-3,8" all of them there, "0/1/2/3" each in turn at one of these; the calling thread
  /// while it computes. One on slower cores gets less of the work. Empty: wherever the system puts them.
  std::string cpus = {};
};

// clang-format off
inline constexpr std::tuple kRunnerOptions = {
    Option{"threads", &RunnerOptions::threads, {0, kMaxThreads},
           "Threads; 0: one for each physical core, fewer for very small models", false},
    Option{"prefill_threads", &RunnerOptions::prefill_threads, {0, kMaxThreads},
           "Threads while reading; 0: as many as for writing", false},
    Option{"batch", &RunnerOptions::batch, {1, kMaxBatch}, "Tokens computed at once", false},
    Option{"cpus", &RunnerOptions::cpus, {}, "CPUs the threads run on: 0-3,8, or 0/1/2/3 for one each", false},
};
// clang-format on

}  // namespace longhand
