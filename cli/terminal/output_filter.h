// What a model, a file name or a metadata string may do to a terminal: show text, and nothing else.
#pragma once

#include <string>
#include <string_view>

namespace longhand::cli {

/// Makes streamed bytes safe for a terminal. Newline, tab and printable UTF-8 pass; other control characters
/// (C0, DEL, C1), bidirectional overrides, tag characters and bytes that are no UTF-8 become visible escapes
/// such as \x1b and \u{202e}. Filtering filtered text changes nothing.
class OutputFilter {
 public:
  /// Appends bytes and returns everything that is certain by now.
  std::string push(std::string_view bytes);
  /// What is left at the end: an unfinished character, escaped.
  std::string finish();

 private:
  std::string held_;  // at most 3 bytes of an unfinished character
};

/// The same for a whole text, a name or a value of metadata; direction marks and other characters that show
/// nothing become escapes too.
std::string make_visible(std::string_view text);

}  // namespace longhand::cli
