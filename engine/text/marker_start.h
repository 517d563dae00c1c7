// Markers in a text that comes in pieces.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace longhand {

/// Length of the longest end of `text` that `marker`, which is not empty, begins with and goes beyond; at
/// least `known`.
inline std::size_t marker_start(std::string_view text, std::string_view marker, std::size_t known) noexcept {
  for (std::size_t size = std::min(marker.size() - 1, text.size()); size > known; --size) {
    if (text.ends_with(marker.substr(0, size))) return size;
  }
  return known;
}

}  // namespace longhand
