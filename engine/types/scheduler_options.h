// How many requests are answered at once, and what they may take.
#pragma once

#include <cstdint>
#include <tuple>

#include "engine/types/option.h"
#include "engine/types/session_options.h"

namespace longhand {

struct SchedulerOptions {
  int parallel = 4;  ///< requests computed together; others wait
  int queue = 256;   ///< requests that may wait
  /// Seconds that a pass may take while answers are being written: so long does nobody wait for the next
  /// token. Prompts are read in parts as long as that allows; one token of each answer is always computed.
  double latency = 0.25;
  /// MiB of finished texts kept for requests that begin alike; -1: a quarter of the memory that is free at
  /// first.
  int cache_mib = -1;
  SessionOptions session = {};  ///< of each request; `context` tokens for prompt and answer of one
};

// clang-format off
inline constexpr std::tuple kSchedulerOptions = {
    Option{"scheduler.parallel", &SchedulerOptions::parallel, {1, 256}, "Requests computed together", false},
    Option{"scheduler.queue", &SchedulerOptions::queue, {0, 1 << 20}, "Requests that may wait", false},
    Option{"scheduler.latency", &SchedulerOptions::latency, {0.001, 3600},
           "Seconds at most that an answer waits for its next token while prompts are read", false},
    Option{"scheduler.cache_mib", &SchedulerOptions::cache_mib, {-1, 1 << 30},
           "MiB of finished texts kept for requests that begin alike; -1: a quarter of what is free", false},
};
// clang-format on

}  // namespace longhand
