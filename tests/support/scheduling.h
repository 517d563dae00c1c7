// How tests of the scheduler set it up.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/longhand_serve.h"

namespace longhand::test {

/// Small enough that batches and contexts end within a test, and exact, so that answers can be compared bit
/// for bit.
inline SchedulerOptions options_of_tests() {
  SchedulerOptions o;
  o.session.context = 256;
  o.session.batch = 24;
  o.session.threads = 2;
  o.session.key_cache = o.session.value_cache = CacheType::f32;
  o.cache_mib = 64;
  return o;
}

inline std::vector<std::filesystem::path> files_of(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

}  // namespace longhand::test
