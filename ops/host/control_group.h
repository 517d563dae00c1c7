// The limits that control groups (of systemd, containers, batch systems) set to this process.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

namespace longhand {

struct GroupLimits {
  /// Bytes the tightest group leaves, at least 1; the greatest number where none sets a limit. Cached files
  /// count as used there, but make room when asked.
  std::uint64_t memory = std::numeric_limits<std::uint64_t>::max();
  int cpus = 0;  ///< CPUs worth of time of the tightest quota, rounded up; 0 where none is set
};

/// Of the process's own groups and all groups above them, as far as they are mounted; versions 1 and 2. Where
/// files cannot be read there are no limits. `root` stands before /proc and before where groups are mounted:
/// "" but in tests.
GroupLimits group_limits(const std::string& root = "");

}  // namespace longhand
