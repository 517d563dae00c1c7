// -t auto: how many threads pay on this machine. Writing waits for memory, which few threads keep busy;
// reading computes, and takes all that the cores give.
#pragma once

#include <string>

#include "engine/longhand.h"

namespace longhand::cli {

struct ThreadCounts {
  int decode, prefill;
};

/// What an earlier call found out on this machine, or now, which takes some seconds, by timing a few layers
/// of a made-up model with one thread, two, and so on. `path` is where it is remembered; "": nowhere. Throws
/// Error: no_memory, cancelled (Ctrl-C).
ThreadCounts best_thread_counts(const std::string& path);
/// The file that is remembered in.
std::string thread_counts_path();
/// Gives `options` these counts; of those for reading one that is there already stays.
void use_best_threads(SessionOptions& options);

}  // namespace longhand::cli
