#include "engine/chat/jinja/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/chat/jinja/functions/text.h"
#include "ops/error.h"

namespace longhand::jinja {

void syntax_error(int line, std::string_view message) {
  throw Error(Errc::chat_template, fmt::format("chat template line {}: {}", line, message));
}

std::string normalize_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
    } else {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    }
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || std::uint8_t(c) >= 0x80;
}
bool is_name_part(char c) { return is_name_start(c) || is_digit(c); }

// Longest first, so that "//" is not read as two divisions.
constexpr std::array<std::string_view, 26> kSymbols = {"**", "//", "==", "!=", ">=", "<=", "+", "-", "/",
                                                       "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                       ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  std::vector<Lexeme> run() {
    while (at_ < source_.size()) data();
    add(TokenKind::end, "");
    return std::move(tokens_);
  }

 private:
  // Text up to the next tag, then the tag.
  void data() {
    const std::size_t open = find_tag(at_);
    if (open == std::string_view::npos) {
      add(TokenKind::data, source_.substr(at_));
      skip_to(source_.size());
      return;
    }
    const char type = source_[open + 1];
    const char sign = open + 2 < source_.size() ? source_[open + 2] : '\0';
    add_data(source_.substr(at_, open - at_), sign, type == '{');
    const std::size_t inside = open + (sign == '-' || sign == '+' ? 3 : 2);
    if (type == '#') {
      skip_to(inside);
      comment();
    } else if (type == '%' && is_raw(inside)) {
      raw(inside);
    } else {
      skip_to(inside);
      add(type == '{' ? TokenKind::variable_begin : TokenKind::block_begin, source_.substr(open, 2));
      tag(type == '{' ? "}}" : "%}");
    }
  }

  std::size_t find_tag(std::size_t from) const {
    for (std::size_t at = source_.find('{', from); at != std::string_view::npos && at + 1 < source_.size();
         at = source_.find('{', at + 1)) {
      const char c = source_[at + 1];
      if (c == '{' || c == '%' || c == '#') return at;
    }
    return std::string_view::npos;
  }

  // Text before a tag: "-" strips all white space before it; a block or comment that stands first on its line
  // loses its indentation unless "+" forbids.
  void add_data(std::string_view text, char sign, bool variable) {
    if (sign == '-') {
      std::size_t end = text.size();
      while (end > 0 && is_blank(text[end - 1])) --end;
      text = text.substr(0, end);
    } else if (sign != '+' && !variable) {
      const std::size_t line_start = text.rfind('\n') + 1;  // npos + 1 == 0
      const bool starts_line = line_start > 0 || at_ == 0 || source_[at_ - 1] == '\n';
      if (starts_line && std::all_of(text.begin() + std::ptrdiff_t(line_start), text.end(), is_blank)) {
        text = text.substr(0, line_start);
      }
    }
    if (!text.empty()) add(TokenKind::data, text);
  }

  void comment() {
    const std::size_t close = source_.find("#}", at_);
    if (close == std::string_view::npos) syntax_error(line_, "missing end of comment tag");
    const char sign = close > at_ ? source_[close - 1] : '\0';
    skip_to(close + 2);
    after_tag(sign, true);
  }

  // Is `inside` the start of "raw %}"?
  bool is_raw(std::size_t inside) const {
    std::size_t at = skip_blank(inside);
    if (source_.substr(at, 3) != "raw") return false;
    at = skip_blank(at + 3);
    return source_.substr(at, 2) == "%}" || source_.substr(at, 3) == "-%}";
  }
  std::size_t skip_blank(std::size_t at) const {
    while (at < source_.size() && is_blank(source_[at])) ++at;
    return at;
  }

  void raw(std::size_t inside) {
    const std::size_t close = source_.find("%}", inside);
    const char begin_sign = source_[close - 1];
    skip_to(close + 2);
    after_tag(begin_sign, false);
    for (std::size_t open = source_.find("{%", at_); open != std::string_view::npos;
         open = source_.find("{%", open + 2)) {
      const char sign = open + 2 < source_.size() ? source_[open + 2] : '\0';
      std::size_t at = skip_blank(open + (sign == '-' || sign == '+' ? 3 : 2));
      if (source_.substr(at, 6) != "endraw") continue;
      at = skip_blank(at + 6);
      const char end_sign = at < source_.size() ? source_[at] : '\0';
      if (end_sign == '-' || end_sign == '+') ++at;
      if (source_.substr(at, 2) != "%}") continue;
      add_data(source_.substr(at_, open - at_), sign, false);
      skip_to(at + 2);
      after_tag(end_sign, true);
      return;
    }
    syntax_error(line_, "missing end of raw block");
  }

  // Behind a tag: "-" takes all white space, a block or comment takes one newline unless "+" forbids.
  void after_tag(char sign, bool block) {
    if (sign == '-') {
      skip_to(skip_blank(at_));
    } else if (block && sign != '+' && at_ < source_.size() && source_[at_] == '\n') {
      skip_to(at_ + 1);
    }
  }

  // The inside of a tag up to and including `close`, which counts only outside of brackets.
  void tag(std::string_view close) {
    const int opened_on = line_;
    std::string brackets;
    while (true) {
      skip_to(skip_blank(at_));
      if (at_ >= source_.size()) syntax_error(opened_on, fmt::format("tag is never closed by '{}'", close));
      if (brackets.empty()) {
        const char sign = source_[at_];
        const bool signed_end =
            (sign == '-' || (sign == '+' && close == "%}")) && source_.substr(at_ + 1, 2) == close;
        if (signed_end || source_.substr(at_, 2) == close) {
          add(close == "%}" ? TokenKind::block_end : TokenKind::variable_end, close);
          skip_to(at_ + (signed_end ? 3 : 2));
          after_tag(signed_end ? sign : '\0', close == "%}");
          return;
        }
      }
      expression_token(brackets);
    }
  }

  void expression_token(std::string& brackets) {
    const char c = source_[at_];
    if (is_digit(c)) return number();
    if (c == '"' || c == '\'') return string(c);
    if (is_name_start(c)) {
      std::size_t end = at_;
      while (end < source_.size() && is_name_part(source_[end])) ++end;
      add(TokenKind::name, source_.substr(at_, end - at_));
      return skip_to(end);
    }
    const auto symbol = std::find_if(kSymbols.begin(), kSymbols.end(),
                                     [&](std::string_view s) { return source_.substr(at_, s.size()) == s; });
    if (symbol == kSymbols.end()) {
      syntax_error(line_,
                   fmt::format("unexpected character '{}'", source_.substr(at_, char_length(source_, at_))));
    }
    if (c == '(' || c == '[' || c == '{') brackets += c == '(' ? ')' : c == '[' ? ']' : '}';
    if (c == ')' || c == ']' || c == '}') {
      if (brackets.empty()) syntax_error(line_, fmt::format("unexpected '{}'", c));
      if (brackets.back() != c)
        syntax_error(line_, fmt::format("unexpected '{}', expected '{}'", c, brackets.back()));
      brackets.pop_back();
    }
    add(TokenKind::symbol, *symbol);
    skip_to(at_ + symbol->size());
  }

  // Integers with a base prefix, and decimal numbers; "_" may group digits.
  void number() {
    std::size_t end = at_;
    const auto take = [&](auto&& accept) {
      while (end < source_.size() &&
             (accept(source_[end]) ||
              (source_[end] == '_' && end + 1 < source_.size() && accept(source_[end + 1]))))
        ++end;
    };
    const char base = at_ + 1 < source_.size() ? char(source_[at_ + 1] | 0x20) : '\0';
    if (source_[at_] == '0' && (base == 'x' || base == 'o' || base == 'b')) {
      end += 2;
      take([](char c) { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); });
      add(TokenKind::integer, source_.substr(at_, end - at_));
      return skip_to(end);
    }
    take(is_digit);
    bool real = false;
    const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';  // x.0.1 are two subscripts
    if (!after_dot && end + 1 < source_.size() && source_[end] == '.' && is_digit(source_[end + 1])) {
      real = true;
      ++end;
      take(is_digit);
    }
    std::size_t exponent = end + 1;
    if (end < source_.size() && (source_[end] | 0x20) == 'e' && !after_dot) {
      if (exponent < source_.size() && (source_[exponent] == '+' || source_[exponent] == '-')) ++exponent;
      if (exponent < source_.size() && is_digit(source_[exponent])) {
        real = true;
        end = exponent;
        take(is_digit);
      }
    }
    add(real ? TokenKind::real : TokenKind::integer, source_.substr(at_, end - at_));
    skip_to(end);
  }

  void string(char quote) {
    std::size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2U : 1U;
    if (end >= source_.size()) syntax_error(line_, "string is never closed");
    add(TokenKind::string, unescape(source_.substr(at_ + 1, end - at_ - 1)));
    skip_to(end + 1);
  }

  // Python's escapes; an unknown one stays as written.
  std::string unescape(std::string_view text) const {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\' || i + 1 >= text.size()) {
        out += text[i];
        continue;
      }
      constexpr std::string_view kFrom = "\\'\"abfnrtv", kTo = "\\'\"\a\b\f\n\r\t\v";
      const char c = text[++i];
      if (const std::size_t known = kFrom.find(c); known != std::string_view::npos) {
        out += kTo[known];
      } else if (c == 'x' || c == 'u' || c == 'U') {
        i += code_escape(out, text.substr(i + 1), c == 'x' ? 2U : c == 'u' ? 4U : 8U);
      } else if (c >= '0' && c <= '7') {
        char32_t code = 0;
        std::size_t digits = 0;
        for (; digits < 3 && i + digits < text.size() && text[i + digits] >= '0' && text[i + digits] <= '7';
             ++digits) {
          code = code * 8 + char32_t(text[i + digits] - '0');
        }
        append_char(out, code);
        i += digits - 1;
      } else if (c != '\n') {
        out += '\\';
        out += c;
      }
    }
    return out;
  }

  std::size_t code_escape(std::string& out, std::string_view digits, std::size_t count) const {
    char32_t code = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const char c = i < digits.size() ? digits[i] : '\0';
      const int lower = c | 0x20;
      const int value = is_digit(c) ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
      if (value < 0) syntax_error(line_, "truncated \\x or \\u escape in string");
      code = code * 16 + char32_t(value);
    }
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
      syntax_error(line_, "illegal Unicode escape in string");
    append_char(out, code);
    return count;
  }

  void add(TokenKind kind, std::string_view text) { tokens_.push_back({kind, line_, std::string(text)}); }

  void skip_to(std::size_t end) {
    line_ +=
        int(std::count(source_.begin() + std::ptrdiff_t(at_), source_.begin() + std::ptrdiff_t(end), '\n'));
    at_ = end;
  }

  std::string_view source_;
  std::size_t at_ = 0;
  int line_ = 1;
  std::vector<Lexeme> tokens_;
};

}  // namespace

std::vector<Lexeme> tokenize(std::string_view normalized) { return Lexer(normalized).run(); }

}  // namespace longhand::jinja
