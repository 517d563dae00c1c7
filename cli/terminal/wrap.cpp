#include "cli/terminal/wrap.h"

#include <fmt/format.h>

#include <algorithm>
#include <clocale>
#include <cwchar>
#include <utility>

#include "engine/text/unicode.h"

namespace longhand::cli {
namespace {

// Of characters that stand in the place of another one, 0. What the locale does not know has one.
int columns(char32_t c) {
  const int width = ::wcwidth(wchar_t(c));
  return width < 0 ? 1 : width;
}

std::string escapes_of(std::uint8_t style) {
  constexpr std::pair<Style, int> kCodes[] = {{kBold, 1},       {kDim, 2},    {kItalic, 3},
                                              {kUnderlined, 4}, {kStruck, 9}, {kCode, 36}};
  std::string out;
  for (const auto& [bit, code] : kCodes) {
    if ((style & bit) != 0) out += fmt::format("\x1b[{}m", code);
  }
  return out;
}

}  // namespace

void add_cells(std::vector<Cell>& cells, std::string_view text, std::uint8_t style) {
  for (std::size_t at = 0; at < text.size();) {
    const Decoded c = decode_utf8(text, at);
    const std::string_view bytes = text.substr(at, c.length);
    at += c.length;
    if (bytes == "\t") {
      for (int i = 0; i < 4; ++i) cells.push_back({" ", 1, style});
    } else if (const int width = columns(c.code); width == 0 && !cells.empty()) {
      cells.back().bytes += bytes;  // an accent or a joiner stays with what it belongs to
    } else {
      cells.push_back({std::string(bytes), width, style});
    }
  }
}

int width_of(const std::vector<Cell>& cells) noexcept {
  int width = 0;
  for (const Cell& cell : cells) width += cell.width;
  return width;
}

std::vector<std::vector<Cell>> wrap(const std::vector<Cell>& cells, int width, bool anywhere) {
  std::vector<std::vector<Cell>> lines(1);
  int used = 0;
  for (const Cell& cell : cells) {
    std::vector<Cell>& line = lines.back();
    if (used + cell.width <= width || line.empty()) {
      line.push_back(cell);
      used += cell.width;
      continue;
    }
    if (!anywhere && cell.is_space()) {  // the break takes its place
      lines.emplace_back();
      used = 0;
      continue;
    }
    const auto space =
        anywhere ? line.rend()
                 : std::find_if(line.rbegin(), line.rend(), [](const Cell& c) { return c.is_space(); });
    std::vector<Cell> next(space.base() == line.begin() ? line.end() : space.base(), line.end());
    line.erase(line.end() - std::ptrdiff_t(next.size()), line.end());
    next.push_back(cell);
    used = width_of(next);
    lines.push_back(std::move(next));
  }
  if (anywhere) return lines;
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    while (!lines[i].empty() && lines[i].back().is_space()) lines[i].pop_back();
  }
  return lines;
}

std::string show_cells(const std::vector<Cell>& cells, bool styled) {
  std::string out;
  std::uint8_t style = kPlain;
  for (const Cell& cell : cells) {
    if (styled && cell.style != style) {
      if (style != kPlain) out += "\x1b[0m";
      out += escapes_of(style = cell.style);
    }
    out += cell.bytes;
  }
  if (styled && style != kPlain) out += "\x1b[0m";
  return out;
}

}  // namespace longhand::cli
