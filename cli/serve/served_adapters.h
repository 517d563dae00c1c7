// The adapters that a server has, and how strong each is in requests that do not say.
#pragma once

#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/longhand_adapter.h"

namespace longhand::cli {

/// Adapters are called by their place in the list. May be used by any number of threads.
class ServedAdapters {
 public:
  /// `paths`: of each of them.
  ServedAdapters(std::vector<AdapterUse> uses, std::vector<std::string> paths);

  const std::vector<std::string>& paths() const noexcept { return paths_; }
  /// One for each adapter.
  std::vector<float> scales() const;
  void set_scales(std::vector<float> scales);
  /// What a request is computed with that wants these scales, or does not say.
  std::vector<AdapterUse> uses(const std::optional<std::vector<float>>& scales) const;

 private:
  const std::vector<AdapterUse> loaded_;
  const std::vector<std::string> paths_;
  mutable std::mutex mutex_;  // of what follows
  std::vector<float> scales_;
};

}  // namespace longhand::cli
