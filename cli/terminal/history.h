// What was typed in earlier chats, one entry a line, readable by its owner only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace longhand::cli {

class History {
 public:
  /// $XDG_STATE_HOME/longhand/history, or below ~/.local/state; "" where neither variable is set.
  static std::string default_path();

  /// An empty path, or one that cannot be used, keeps entries in memory alone.
  explicit History(std::string path);

  /// Oldest first; entries may hold newlines.
  const std::vector<std::string>& entries() const noexcept { return entries_; }
  /// Adds an entry and appends it to the file. Empty ones and repetitions of the last are left out.
  void add(std::string_view entry);
  /// Why entries are not kept; empty while all is well.
  const std::string& problem() const noexcept { return problem_; }

 private:
  void load();
  void fail(std::string_view what);

  std::string path_;
  std::vector<std::string> entries_;
  std::string problem_;
};

}  // namespace longhand::cli
