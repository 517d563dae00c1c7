#include "cli/serve/served_adapters.h"

#include <utility>

namespace longhand::cli {

ServedAdapters::ServedAdapters(std::vector<AdapterUse> uses, std::vector<std::string> paths)
    : loaded_(std::move(uses)), paths_(std::move(paths)) {
  for (const AdapterUse& use : loaded_) scales_.push_back(use.scale);
}

std::vector<float> ServedAdapters::scales() const {
  const std::scoped_lock lock(mutex_);
  return scales_;
}

void ServedAdapters::set_scales(std::vector<float> scales) {
  const std::scoped_lock lock(mutex_);
  scales_ = std::move(scales);
}

std::vector<AdapterUse> ServedAdapters::uses(const std::optional<std::vector<float>>& scales) const {
  const std::vector<float> how = scales ? *scales : this->scales();
  std::vector<AdapterUse> uses = loaded_;
  for (std::size_t i = 0; i < uses.size(); ++i) uses[i].scale = how[i];
  return uses;
}

}  // namespace longhand::cli
