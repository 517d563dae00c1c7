#include "cli/terminal/live_text.h"

#include <fmt/format.h>
#include <unistd.h>
#include <utility>

#include <algorithm>

#include "cli/terminal/markdown.h"
#include "cli/terminal/output.h"
#include "cli/terminal/terminal.h"

namespace longhand::cli {

void LiveText::push(std::string_view text) {
  if (text.empty()) return;
  block_ += text;
  const int width = terminal_width(STDOUT_FILENO) - 1;  // a full line would move the cursor to the next
  const std::size_t finished = finished_part(block_);
  if (finished > 0) {
    draw(render_markdown(std::string_view(block_).substr(0, finished), width, styled_));
    block_.erase(0, finished);
    write_output("\n");
    shown_.clear();
    gap_ = true;
  }
  draw(render_markdown(block_, width, styled_));
}

void LiveText::finish() {
  block_.clear();
  shown_.clear();
  gap_ = false;
}

void LiveText::draw(const std::vector<std::string>& lines) {
  if (lines.empty() || lines == shown_) return;
  std::string out;
  if (shown_.empty() && std::exchange(gap_, false)) out += "\n";
  auto first = std::size_t(std::mismatch(shown_.begin(), shown_.end(), lines.begin(), lines.end()).first -
                           shown_.begin());
  if (!shown_.empty()) {
    const std::size_t last = shown_.size() - 1;
    const auto reach = std::size_t(terminal_height(STDOUT_FILENO) - 1);
    first = std::max(std::min(first, last), last - std::min(last, reach));
    first = std::min(first, lines.size() - 1);
    if (first == last && lines[first].starts_with(shown_[first])) {
      out += lines[first].substr(shown_[first].size());
    } else {
      if (first < last) out += fmt::format("\x1b[{}A", last - first);
      out += "\r\x1b[J" + lines[first];
    }
    ++first;
  } else {
    out += lines[first++];
  }
  for (; first < lines.size(); ++first) out += "\n" + lines[first];
  write_output(out);
  shown_ = lines;
}

}  // namespace longhand::cli
