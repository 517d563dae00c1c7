// One text in place of another, everywhere.
#pragma once

#include <string>
#include <string_view>

namespace longhand {

/// `text` with `to` in place of every `from`, in time that grows with the text alone. `from` is not empty.
inline std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at; (at = text.find(from)) != std::string_view::npos;) {
    out += text.substr(0, at);
    out += to;
    text.remove_prefix(at + from.size());
  }
  out += text;
  return out;
}

}  // namespace longhand
