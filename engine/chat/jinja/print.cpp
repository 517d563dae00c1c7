// str() and repr() (declared in operators.h).
#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "engine/chat/jinja/functions/unicode_case.h"
#include "engine/chat/jinja/operators.h"

namespace longhand::jinja {

std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  if (value == 0) return std::signbit(value) ? "-0.0" : "0.0";
  // Shortest digits as d.ddde[+-]xx; 17 digits, sign, point and exponent fit in 32 bytes.
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  const std::string_view text(buffer, std::size_t(end - buffer));
  const std::size_t mark = text.find('e');
  const std::size_t sign = text.front() == '-' ? 1 : 0;
  std::string digits;
  for (const char c : text.substr(sign, mark - sign)) {
    if (c != '.') digits += c;
  }
  int exponent = 0;
  const std::size_t exponent_at = mark + (text[mark + 1] == '+' ? 2 : 1);
  std::from_chars(text.data() + exponent_at, end, exponent);
  const auto count = int(digits.size());
  std::string out = sign != 0 ? "-" : "";
  if (exponent < -4 || exponent >= 16) {  // the switch-over of Python's 'r' format
    out += digits.substr(0, 1);
    if (count > 1) out += "." + digits.substr(1);
    return out + fmt::format("e{}{:02}", exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  if (exponent < 0) return out + "0." + std::string(std::size_t(-exponent - 1), '0') + digits;
  const std::size_t whole = std::size_t(exponent) + 1;
  if (digits.size() <= whole) return out + digits + std::string(whole - digits.size(), '0') + ".0";
  return out + digits.substr(0, whole) + "." + digits.substr(whole);
}

void escape_html(Builder& out, const Text& text) {
  out.heap().read(text.size());
  text.each_run([&](std::string_view run, bool trusted) {
    std::size_t plain = 0;  // start of what can be copied as it is
    for (std::size_t at = run.find_first_of("&<>\"'"); at != std::string_view::npos;
         at = run.find_first_of("&<>\"'", plain)) {
      out.append(run.substr(plain, at - plain), trusted);
      const char c = run[at];
      out.append(c == '&'   ? "&amp;"
                 : c == '<' ? "&lt;"
                 : c == '>' ? "&gt;"
                 : c == '"' ? "&#34;"
                            : "&#39;",
                 trusted);
      plain = at + 1;
    }
    out.append(run.substr(plain), trusted);
  });
}

namespace {

// How repr() shows a character; empty: as it is.
std::string escape_sequence(char32_t c, char quote) {
  if (c == U'\n') return "\\n";
  if (c == U'\r') return "\\r";
  if (c == U'\t') return "\\t";
  if (c == U'\\' || c == std::uint8_t(quote)) return {'\\', char(c)};
  if (is_printable(c)) return "";
  const auto code = std::uint32_t(c);
  if (c < 0x100) return fmt::format("\\x{:02x}", code);
  return c < 0x10000 ? fmt::format("\\u{:04x}", code) : fmt::format("\\U{:08x}", code);
}

void repr_text(Builder& out, const Text& text) {
  out.heap().read(text.size());
  const auto has = [&](char c) { return text.view().find(c) != std::string_view::npos; };
  const char quote = has('\'') && !has('"') ? '"' : '\'';
  const std::string_view mark(&quote, 1);
  const bool edge = text.all_trusted();
  out.append(mark, edge);
  text.each_run([&](std::string_view run, bool trusted) {
    std::size_t plain = 0;  // start of what can be copied as it is
    for (std::size_t at = 0, next = 0; at < run.size(); at = next) {
      next = at + char_length(run, at);
      const std::string escaped = escape_sequence(char_at(run, at), quote);
      if (escaped.empty()) continue;
      out.append(run.substr(plain, at - plain), trusted);
      out.append(escaped, trusted);
      plain = next;
    }
    out.append(run.substr(plain), trusted);
  });
  out.append(mark, edge);
}

void repr_at(Builder& out, const Value& value, int depth);

void repr_items(Builder& out, const std::vector<Value>& items, bool trusted, int depth) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out.append(", ", trusted);
    repr_at(out, items[i], depth + 1);
  }
}

void repr_sequence(Builder& out, const Value& value, int depth) {
  const bool trusted = value.sequence().trusted;
  const bool list = value.is(Kind::list), tuple = value.is(Kind::tuple);
  if (!list && !tuple) {
    out.append(value.sequence().type_name, trusted);
    out.append("([", trusted);
  } else {
    out.append(list ? "[" : "(", trusted);
  }
  repr_items(out, value.items(), trusted, depth);
  if (tuple && value.items().size() == 1) out.append(",", trusted);
  out.append(list ? "]" : tuple ? ")" : "])", trusted);
}

void repr_dict(Builder& out, const Dict& dict, int depth) {
  out.append("{", dict.trusted);
  bool first = true;
  for (const auto& [key, item] : dict.entries()) {
    if (!first) out.append(", ", dict.trusted);
    first = false;
    repr_at(out, key, depth + 1);
    out.append(": ", dict.trusted);
    repr_at(out, item, depth + 1);
  }
  out.append("}", dict.trusted);
}

void repr_range(Builder& out, const Range& range) {
  const std::int64_t stop = range.at(range.count);
  out.append(range.step == 1 ? fmt::format("range({}, {})", range.start, stop)
                             : fmt::format("range({}, {}, {})", range.start, stop, range.step));
}

void repr_at(Builder& out, const Value& value, int depth) {
  if (depth > kMaxDepth) fail("value nested too deeply to print");
  out.heap().step();
  switch (value.kind()) {
    case Kind::undefined:
      return out.append("Undefined");
    case Kind::none:
      return out.append("None", value.trusted());
    case Kind::boolean:
      return out.append(value.as_integer() != 0 ? "True" : "False", value.trusted());
    case Kind::integer:
      return out.append(fmt::format_int(value.as_integer()).c_str(), value.trusted());
    case Kind::real:
      return out.append(float_repr(value.as_real()), value.trusted());
    case Kind::string:
      if (value.string().markup) out.append("Markup(", value.text().all_trusted());
      repr_text(out, value.text());
      if (value.string().markup) out.append(")", value.text().all_trusted());
      return;
    case Kind::list:
    case Kind::tuple:
    case Kind::view:
      return repr_sequence(out, value, depth);
    case Kind::dict:
      return repr_dict(out, value.dict(), depth);
    case Kind::range:
      return repr_range(out, value.range());
    case Kind::generator:
      return out.append("<generator object>");
    case Kind::native:
      out.append("<");
      out.append(value.native().type_name());
      return out.append(">");
  }
}

}  // namespace

void repr(Builder& out, const Value& value) { repr_at(out, value, 0); }

void print(Builder& out, const Value& value) {
  if (value.is(Kind::string)) return out.append(value.text());
  if (!value.is(Kind::undefined)) repr_at(out, value, 0);
}

Value to_string(Heap& heap, const Value& value) {
  if (value.is(Kind::string)) return value;
  Builder out(heap);
  print(out, value);
  return out.take();
}

}  // namespace longhand::jinja
