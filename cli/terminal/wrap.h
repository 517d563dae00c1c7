// Words broken into lines of a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace longhand::cli {

/// How characters are shown; several at once.
enum Style : std::uint8_t {
  kPlain = 0,
  kBold = 1,
  kItalic = 2,
  kCode = 4,
  kStruck = 8,
  kUnderlined = 16,
  kDim = 32
};

/// One character of a line.
struct Cell {
  std::string bytes;
  int width = 1;  // columns
  std::uint8_t style = kPlain;
  bool is_space() const noexcept { return bytes == " "; }
};

/// Adds the characters of `text` (UTF-8) to `cells`; tabs become spaces.
void add_cells(std::vector<Cell>& cells, std::string_view text, std::uint8_t style);
int width_of(const std::vector<Cell>& cells) noexcept;

/// Lines of at most `width` columns, broken at spaces, which end there, or within words that are longer.
/// `anywhere`: breaks come where the line is full, and spaces stay.
std::vector<std::vector<Cell>> wrap(const std::vector<Cell>& cells, int width, bool anywhere = false);

/// A line's text, with escape sequences for its styles if `styled`.
std::string show_cells(const std::vector<Cell>& cells, bool styled);

}  // namespace longhand::cli
