// Template text to tokens, with Jinja's whitespace control (trim_blocks and lstrip_blocks on).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace longhand::jinja {

enum class TokenKind : std::uint8_t {
  data,  // text outside of tags
  variable_begin,
  variable_end,
  block_begin,
  block_end,
  name,
  string,
  integer,
  real,
  symbol,
  end
};

struct Lexeme {
  TokenKind kind = TokenKind::end;
  int line = 1;
  std::string text;  // data: the text; string: unescaped; others: as written
};

/// Source with \r\n and \r as \n and without one newline at its end, as Jinja reads templates.
std::string normalize_newlines(std::string_view source);

/// Throws Error (chat_template) with the line.
std::vector<Lexeme> tokenize(std::string_view normalized);

/// The Error (chat_template) all parts of the engine throw for a template that is not well formed.
[[noreturn]] void syntax_error(int line, std::string_view message);

}  // namespace longhand::jinja
