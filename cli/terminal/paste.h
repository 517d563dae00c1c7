// Pasting several lines at once. A terminal in "bracketed paste" mode says where a paste begins and ends; the
// line editor shows such a paste as a short mark, and the mark becomes the text again when the line is done.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace longhand::cli {

inline constexpr std::string_view kPasteOn = "\x1b[?2004h";
inline constexpr std::string_view kPasteOff = "\x1b[?2004l";
inline constexpr std::string_view kPasteBegin = "\x1b[200~";
inline constexpr std::string_view kPasteEnd = "\x1b[201~";

class PasteStore {
 public:
  /// What to type for pasted `text`: the text itself if it is one line, else a mark that stands for it.
  std::string shown(std::string text);
  /// `line` with all marks replaced by what they stand for; the store is empty afterwards.
  std::string resolve(std::string line);

 private:
  struct Paste {
    std::string mark, text;
  };
  std::vector<Paste> pastes_;
};

}  // namespace longhand::cli
