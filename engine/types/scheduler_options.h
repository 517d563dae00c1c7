// How many requests are answered at once, and what they may take.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <tuple>

#include "engine/types/option.h"
#include "engine/types/session_options.h"

namespace longhand {

/// Finished texts are kept in files as well, so that they need not be read again by the next program.
struct DiskCacheOptions {
  std::string folder = {};  ///< made where it is missing; several schedulers may share it; empty: no files
  int mib = 4096;           ///< that all files in it may have together; those unused for longest are deleted
};

struct SchedulerOptions {
  int parallel = 4;  ///< requests computed together; others wait
  int queue = 256;   ///< requests that may wait
  /// Seconds that a pass may take while answers are being written: so long does nobody wait for the next
  /// token. Prompts are read in parts as long as that allows; one token of each answer is always computed.
  double latency = 0.25;
  /// MiB of finished texts kept for requests that begin alike; -1: a quarter of the memory that is free at
  /// first.
  int cache_mib = -1;
  DiskCacheOptions disk = {};
  /// Of each request; `context` tokens for prompt and answer of one. `min_speed` counts for nothing: what an
  /// answer says does not depend on how fast it is.
  SessionOptions session = {};
  /// Told what went wrong with the files, which no request suffers from; a line without its end, from any
  /// thread.
  std::function<void(std::string_view line)> note = {};
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
inline constexpr std::tuple kDiskCacheOptions = {
    Option{"scheduler.disk.folder", &DiskCacheOptions::folder, {}, "Folder to keep finished texts in", false},
    Option{"scheduler.disk.mib", &DiskCacheOptions::mib, {1, 1 << 30}, "MiB that they may take there", false},
};
// clang-format on

}  // namespace longhand
