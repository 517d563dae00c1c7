// Names that are compared whatever their letters' case.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace longhand::cli {

/// With the letters A to Z as small ones.
inline std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return out;
}

}  // namespace longhand::cli
