#include "engine/api/answer_text.h"

#include <algorithm>

#include "engine/text/marker_start.h"

namespace longhand {

StopFilter::StopFilter(const std::vector<std::string>& stops) {
  std::copy_if(stops.begin(), stops.end(), std::back_inserter(stops_),
               [](const std::string& s) { return !s.empty(); });
}

std::string StopFilter::push(std::string_view text) {
  held_ += text;
  std::size_t end = std::string::npos;
  for (const std::string& stop : stops_) {
    if (const std::size_t at = held_.find(stop); at < end) end = at, found_ = stop;
  }
  if (end != std::string::npos) {
    stopped_ = true;
    held_.resize(end);
    return std::exchange(held_, {});
  }
  const std::size_t keep = longest_start();
  std::string released = held_.substr(0, held_.size() - keep);
  held_.erase(0, released.size());
  return released;
}

// Length of the longest end of `held_` that some stop string begins with.
std::size_t StopFilter::longest_start() const {
  std::size_t longest = 0;
  for (const std::string& stop : stops_) longest = marker_start(held_, stop, longest);
  return longest;
}

}  // namespace longhand
