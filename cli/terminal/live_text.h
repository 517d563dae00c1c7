// Text that a terminal shows while it is written: words wrap at their ends, and Markdown is shown as what it
// means.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace longhand::cli {

/// Draws on standard output, which must take escape sequences. What has been drawn changes only where more
/// text gives it another meaning, and never further up than the screen reaches.
class LiveText {
 public:
  explicit LiveText(bool styled) : styled_(styled) {}

  /// `text` must hold no control characters but line feeds and tabs.
  void push(std::string_view text);
  /// The end; the cursor stays behind the last character.
  void finish();
  /// Has anything been drawn that no line feed follows?
  bool in_line() const noexcept { return !shown_.empty(); }

 private:
  void draw(const std::vector<std::string>& lines);
  std::string block_;               // text that may still change
  std::vector<std::string> shown_;  // as lines
  bool styled_;
  bool gap_ = false;  // finished text stands before, and an empty line belongs between
};

}  // namespace longhand::cli
