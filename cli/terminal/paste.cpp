#include "cli/terminal/paste.h"

#include <fmt/format.h>

#include <algorithm>

namespace longhand::cli {
namespace {

bool is_control(char c) { return std::uint8_t(c) < 0x20 || c == 0x7F; }

// Terminals send a line's end as they would send the Enter key.
std::string with_newlines(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') {
      out += '\n';
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

std::string PasteStore::shown(std::string text) {
  text = with_newlines(text);
  while (text.ends_with('\n')) text.pop_back();
  const auto lines = std::count(text.begin(), text.end(), '\n') + 1;
  if (lines == 1) {
    // The editor would take control characters for keys.
    std::replace(text.begin(), text.end(), '\t', ' ');
    std::erase_if(text, is_control);
    return text;
  }
  pastes_.push_back({fmt::format("[paste {}: {} lines]", pastes_.size() + 1, lines), std::move(text)});
  return pastes_.back().mark;
}

std::string PasteStore::resolve(std::string line) {
  std::size_t from = 0;  // behind what was put in, which may hold anything
  for (const Paste& paste : pastes_) {
    const auto at = line.find(paste.mark, from);
    if (at == std::string::npos) continue;  // edited away
    line.replace(at, paste.mark.size(), paste.text);
    from = at + paste.text.size();
  }
  pastes_.clear();
  return line;
}

}  // namespace longhand::cli
