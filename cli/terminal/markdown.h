// Markdown as lines for a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace longhand::cli {

/// `text` as lines of at most `width` columns, broken between words where there are any; a single line break
/// stays one. `styled`: emphasis, code and headings get escape sequences, which no line leaves open. `text`
/// must hold no control characters but line feeds and tabs. Text that is no Markdown comes out as it is.
std::vector<std::string> render_markdown(std::string_view text, int width, bool styled);

/// The fenced blocks of code in `text`, without their fences.
std::vector<std::string> code_blocks(std::string_view text);

/// Length of the beginning of `text` that more text cannot change: up to the last empty line outside a block
/// of code.
std::size_t finished_part(std::string_view text);

}  // namespace longhand::cli
