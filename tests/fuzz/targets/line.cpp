// Lines from a pipe, pastes, and the history: what was typed is what arrives, byte for byte.
#include <algorithm>
#include <filesystem>
#include <vector>

#include "cli/terminal/line_input.h"
#include "cli/terminal/paste.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/temp_dir.h"

namespace longhand::fuzz {
namespace {

// The lines of a text as documented: CR before LF and a byte order mark are dropped.
std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.pop_back();
    if (lines.empty() && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
    lines.push_back(std::move(line));
  }
  return lines;
}

void check_lines(std::string_view text) {
  const MemoryFile file;
  file.write(text);
  const auto input = cli::make_plain_input(file.descriptor(), false);
  for (const std::string& line : lines_of(text)) {
    const cli::InputLine read = input->next("> ");
    check(read.event == cli::InputEvent::line && read.text == line, "lines arrive as they were sent");
  }
  check(input->next("> ").event == cli::InputEvent::end, "the end follows the last line");
}

// Pastes in one line, separated by what was typed: each returns as what it was.
void check_pastes(std::string_view text) {
  cli::PasteStore store;
  std::string typed;
  Input in(text);
  for (int i = 0; i < 4 && !in.empty(); ++i) {
    const std::string_view paste = in.until('\0');
    const std::string shown = store.shown(std::string(paste));
    check(shown.find_first_of("\n\r\x1b") == std::string::npos, "what a paste types is one line");
    typed += shown + "; ";
  }
  const std::string line = store.resolve(typed);
  check(line.find('\r') == std::string::npos, "line ends of pastes are newlines");
  check(store.resolve(line) == line, "marks are resolved once");
}

// What is remembered is read back by the next chat.
void check_history(std::string_view text) {
  static const test::TempDir folder;
  const std::string path = folder.file("history");
  std::filesystem::remove(path);
  cli::History history(path);
  Input in(text);
  constexpr int kMost = 50;
  for (int i = 0; i < kMost && !in.empty(); ++i) history.add(in.until('\0'));
  check(history.problem().empty(), "a history can be kept");
  check(cli::History(path).entries() == history.entries(), "a history is read as it was written");
}

}  // namespace

void run(std::string_view input) {
  check_lines(input);
  check_pastes(input);
  check_history(input);
}

}  // namespace longhand::fuzz
