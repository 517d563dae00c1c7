// Filters on strings and numbers.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "engine/chat/jinja/functions/format.h"
#include "engine/chat/jinja/functions/json.h"
#include "engine/chat/jinja/functions/methods.h"
#include "engine/chat/jinja/functions/string_ops.h"
#include "engine/chat/jinja/functions/unicode_case.h"
#include "engine/chat/jinja/operators.h"
#include "engine/chat/jinja/render.h"
#include "engine/chat/jinja/scan.h"

namespace longhand::jinja {
namespace {

template <Case kTo>
Value case_filter(Render& r, const Value& v, const Arguments&) {
  return change_case(r.heap, to_string(r.heap, v), kTo);
}
Value title(Render& r, const Value& v, const Arguments&) { return title_words(r.heap, to_string(r.heap, v)); }
Value string(Render& r, const Value& v, const Arguments&) { return to_string(r.heap, v); }

Value trim(Render& r, const Value& v, const Arguments& a) {
  const Bound bound("trim", a, {"chars"});
  const std::string_view chars = bound.given(0) ? bound.text(0).view() : std::string_view();
  return strip(r.heap, to_string(r.heap, v), Side::both, bound.given(0) ? &chars : nullptr);
}

Value replace_filter(Render& r, const Value& v, const Arguments& a) {
  const Bound bound("replace", a, {"old", "new", "count"}, 2);
  const Value from = to_string(r.heap, *bound[0]), to = to_string(r.heap, *bound[1]);
  return replace(r.heap, to_string(r.heap, v), from.text(), to.text(), bound.integer(2, -1));
}

Value indent_filter(Render& r, const Value& v, const Arguments& a) {
  const Bound bound("indent", a, {"width", "first", "blank"});
  Indent how;
  how.first = bound.flag(1, false);
  how.blank = bound.flag(2, false);
  if (bound[0] != nullptr && bound[0]->is(Kind::string)) {
    r.heap.charge(bound.text(0).size());
    how.prefix = bound.text(0);
  } else {
    const std::int64_t width = std::max<std::int64_t>(bound.integer(0, 4), 0);
    r.heap.charge(std::uint64_t(width));
    how.prefix = Text(std::string(std::size_t(width), ' '));
  }
  return indent(r.heap, to_string(r.heap, v), how);
}

Value truncate(Render& r, const Value& v, const Arguments& a) {
  const Bound bound("truncate", a, {"length", "killwords", "end", "leeway"});
  const Value text = to_string(r.heap, v);
  if (bound[2] != nullptr) r.heap.charge(bound.text(2).size());
  const Text end = bound[2] != nullptr ? bound.text(2) : Text("...");
  const std::int64_t length = bound.integer(0, 255), leeway = bound.integer(3, 5);
  const auto tail = std::int64_t(char_count(r.heap, end.view()));
  if (length < tail || leeway < 0)
    fail(fmt::format("truncate(): expected length >= {}, got {}", tail, length));
  if (std::int64_t(char_count(r.heap, text.view())) - leeway <= length) return text;
  std::size_t cut = char_offset(r.heap, text.view(), std::size_t(length - tail));
  if (!bound.flag(1, false)) {
    const std::size_t space = text.view().substr(0, cut).rfind(' ');
    if (space != std::string_view::npos) cut = space;
  }
  Builder out(r.heap);
  out.append(text.text(), 0, cut);
  out.append(end);
  return out.take();
}

Value word_count(Render& r, const Value& v, const Arguments&) {
  const Value text = to_string(r.heap, v);
  const std::string_view s = text.view();
  r.heap.read(s.size());
  std::int64_t words = 0;
  bool inside = false;
  for (std::size_t at = 0; at < s.size(); at += char_length(s, at)) {
    const char32_t c = char_at(s, at);
    const bool word = is_letter(c) || is_decimal(c) || c == U'_';
    words += word && !inside ? 1 : 0;
    inside = word;
  }
  return Value::integer(words);
}

Value center(Render& r, const Value& v, const Arguments& a) {
  const Bound bound("center", a, {"width"});
  return pad(r.heap, to_string(r.heap, v), bound.integer(0, 80), Text(" "), Side::both);
}

Value format_filter(Render& r, const Value& v, const Arguments& a) {
  if (!a.positional.empty() && !a.named.empty())
    fail("can't handle positional and keyword arguments at the same time");
  const Value format = to_string(r.heap, v);
  if (a.named.empty()) {
    return format_percent(r.heap, format,
                          r.heap.list({a.positional.begin(), a.positional.end()}, Kind::tuple));
  }
  Dict* names = r.heap.dict();
  for (const auto& [name, value] : a.named) names->set(r.heap, r.heap.string(name), value);
  return format_percent(r.heap, format, Value::of(names));
}

// ---- HTML and URLs ----------------------------------------------------------------------------------------

Value escape(Render& r, const Value& v, const Arguments&) {
  const Value text = to_string(r.heap, v);
  if (text.string().markup) return text;
  Builder out(r.heap);
  escape_html(out, text.text());
  return out.take(true);
}
Value force_escape(Render& r, const Value& v, const Arguments&) {
  Builder out(r.heap);
  escape_html(out, to_string(r.heap, v).text());
  return out.take(true);
}
Value safe(Render& r, const Value& v, const Arguments&) {
  const Value text = to_string(r.heap, v);
  return text.string().markup ? text : r.heap.string(text.text(), true);
}

Value strip_tags(Render& r, const Value& v, const Arguments&) {
  const Value text = to_string(r.heap, v);
  const std::string_view s = text.view();
  r.heap.read(s.size());
  Builder bare(r.heap);
  for (std::size_t at = 0; at < s.size();) {
    const std::size_t open = std::min(s.find('<', at), s.size());
    bare.append(text.text(), at, open);
    const std::size_t close = s.find('>', open);
    if (close == std::string_view::npos) {
      bare.append(text.text(), open, s.size());
      break;
    }
    at = close + 1;
  }
  Builder out(r.heap);
  bool first = true;
  for (const Value& word : split(r.heap, bare.take(), nullptr, -1)) {
    if (!std::exchange(first, false)) out.append(" ");
    out.append(word.text());
  }
  return out.take();
}

// In a query a space becomes "+" and a slash is quoted.
void quote_url(Builder& out, const Text& text, bool query) {
  text.each_run([&](std::string_view run, bool trusted) {
    for (const char c : run) {
      const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         std::string_view("_.-~").find(c) != std::string_view::npos || (c == '/' && !query);
      if (plain) {
        out.append(std::string_view(&c, 1), trusted);
      } else if (c == ' ' && query) {
        out.append("+", trusted);
      } else {
        out.append(fmt::format("%{:02X}", std::uint8_t(c)), trusted);
      }
    }
  });
}
Value url_encode(Render& r, const Value& v, const Arguments&) {
  Builder out(r.heap);
  if (v.is(Kind::string) || !is_iterable(v)) {
    quote_url(out, to_string(r.heap, v).text(), false);
    return out.take();
  }
  const Value pairs = v.is(Kind::dict) ? find_method(Kind::dict, "items")(r, v, {}) : v;
  bool first = true;
  for (const Value& pair : collect(r.heap, pairs)) {
    const std::vector<Value> items = collect(r.heap, pair);
    if (items.size() != 2) fail("urlencode: expected pairs");
    if (!std::exchange(first, false)) out.append("&");
    quote_url(out, to_string(r.heap, items[0]).text(), true);
    out.append("=");
    quote_url(out, to_string(r.heap, items[1]).text(), true);
  }
  return out.take();
}

// ---- numbers ----------------------------------------------------------------------------------------------

std::string_view stripped(std::string_view s) {
  while (!s.empty() && is_space(std::uint8_t(s.front()))) s.remove_prefix(1);
  while (!s.empty() && is_space(std::uint8_t(s.back()))) s.remove_suffix(1);
  return s;
}

std::optional<std::int64_t> parse_integer(std::string_view text, int base) {
  std::string digits;
  for (const char c : stripped(text)) {
    if (c != '_') digits += c;
  }
  std::size_t at = !digits.empty() && (digits[0] == '-' || digits[0] == '+') ? 1 : 0;
  const bool negative = at == 1 && digits[0] == '-';
  if (digits.size() > at + 1 && digits[at] == '0') {
    const char prefix = char(digits[at + 1] | 0x20);
    const int named = prefix == 'x' ? 16 : prefix == 'o' ? 8 : prefix == 'b' ? 2 : 0;
    if (named != 0 && (base == named || base == 0)) {
      base = named;
      at += 2;
    }
  }
  if (base == 0) base = 10;
  if (base < 2 || base > 36) return std::nullopt;
  const std::string number = (negative ? "-" : "") + digits.substr(at);
  std::int64_t value = 0;
  const char* end = number.data() + number.size();
  const auto result = std::from_chars(number.data(), end, value, base);
  if (number.empty() || result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

std::optional<double> parse_real(std::string_view text) {
  text = stripped(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || result.ec != std::errc() || result.ptr != text.data() + text.size())
    return std::nullopt;
  return value;
}

std::optional<std::int64_t> truncated(double value) {
  if (!(std::abs(value) < 0x1p63)) return std::nullopt;
  return std::int64_t(value);
}

Value to_integer(Render& r, const Value& v, const Arguments& a) {
  const Bound bound("int", a, {"default", "base"});
  std::optional<std::int64_t> result;
  need(v);
  if (v.is(Kind::string)) {
    r.heap.read(v.view().size());
    result = parse_integer(v.view(), int(std::clamp<std::int64_t>(bound.integer(1, 10), -1, 99)));
    if (!result) {
      if (const auto real = parse_real(v.view())) result = truncated(*real);
    }
  } else if (v.is(Kind::real)) {
    result = truncated(v.as_real());
  } else if (v.is_whole()) {
    result = v.as_integer();
  }
  if (result) return Value::integer(*result).with_trust(v.trusted());
  return bound[0] != nullptr ? *bound[0] : Value::integer(0);
}

Value to_real(Render& r, const Value& v, const Arguments& a) {
  const Bound bound("float", a, {"default"});
  need(v);
  if (v.is_number()) return Value::real(v.as_real()).with_trust(v.trusted());
  if (v.is(Kind::string)) {
    r.heap.read(v.view().size());
    if (const auto real = parse_real(v.view())) return Value::real(*real);
  }
  return bound[0] != nullptr ? *bound[0] : Value::real(0);
}

Value absolute(Render&, const Value& v, const Arguments&) {
  need(v);
  if (!v.is_number()) fail(fmt::format("bad operand type for abs(): '{}'", type_name(v)));
  if (v.is(Kind::real)) return Value::real(std::abs(v.as_real()));
  return v.as_integer() < 0 ? negate(v) : Value::integer(v.as_integer());
}

// To `digits` decimals with halves to even, on the exact binary value, as Python does.
double round_decimal(Heap& heap, double value, std::int64_t digits) {
  if (!std::isfinite(value) || digits > 300) return value;
  if (digits < 0) {
    const double unit = std::pow(10.0, double(-digits));
    return std::nearbyint(value / unit) * unit;
  }
  const std::string text = fmt::format("{:.{}f}", value, int(digits));
  heap.step(text.size());  // up to 600 digits, each of them some operations on a long number
  double out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

Value round_filter(Render& r, const Value& v, const Arguments& a) {
  const Bound bound("round", a, {"precision", "method"});
  need(v);
  if (!v.is_number()) fail(fmt::format("type {} doesn't define __round__ method", type_name(v)));
  const std::int64_t digits = bound.integer(0, 0);
  const std::string_view method = bound[1] != nullptr ? bound.text(1).view() : "common";
  if (method == "common") {
    if (v.is_whole() && digits >= 0) return Value::integer(v.as_integer());
    const double rounded = round_decimal(r.heap, v.as_real(), digits);
    if (!v.is_whole()) return Value::real(rounded);
    const auto whole = truncated(rounded);
    return whole ? Value::integer(*whole) : v;
  }
  if (method != "ceil" && method != "floor") fail("method must be common, ceil or floor");
  const double scale = std::pow(10.0, double(digits));
  const double scaled = v.as_real() * scale;
  return Value::real((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

Value file_size(Render& r, const Value& v, const Arguments& a) {
  const Bound bound("filesizeformat", a, {"binary"});
  need(v);
  const Value number = to_real(r, v, {});
  const double size = number.as_real();
  const bool binary = bound.flag(0, false);
  if (!std::isfinite(size)) fail("filesizeformat: the size is no number");
  if (size == 1) return r.heap.string("1 Byte");
  const double base = binary ? 1024 : 1000;
  if (size < base) return r.heap.string(fmt::format("{:.0f} Bytes", std::trunc(size)));
  constexpr std::string_view kPrefixes = "kMGTPEZY";
  double unit = base;
  std::size_t i = 0;
  for (; i + 1 < kPrefixes.size() && size >= unit * base; ++i) unit *= base;
  const char prefix = binary ? char(std::toupper(kPrefixes[i])) : kPrefixes[i];
  return r.heap.string(fmt::format("{:.1f} {}{}B", size / unit, prefix, binary ? "i" : ""));
}

// ---- JSON -------------------------------------------------------------------------------------------------

Value to_json(Render& r, const Value& v, const Arguments& a) {
  const Bound bound("tojson", a, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ascii_only = bound.flag(0, false);
  style.sort_keys = bound.flag(3, false);
  if (bound.given(1)) {
    const bool text = bound[1]->is(Kind::string);
    const std::int64_t width = text ? 0 : std::max<std::int64_t>(bound.integer(1, 0), 0);
    r.heap.charge(std::uint64_t(width));
    if (text) r.heap.charge(bound.text(1).size());
    style.indent = text ? bound.text(1) : Text(std::string(std::size_t(width), ' '));
  }
  if (bound.given(2)) {
    const std::vector<Value> pair = collect(r.heap, *bound[2]);
    const bool strings = pair.size() == 2 && pair[0].is(Kind::string) && pair[1].is(Kind::string);
    if (!strings) fail("tojson(): separators must be two strings");
    r.heap.charge(2 * (pair[0].view().size() + pair[1].view().size()));  // copied here and in the writer
    style.item_separator = pair[0].text();
    style.key_separator = pair[1].text();
  }
  Builder out(r.heap);
  write_json(out, v, style);
  return out.take();
}

Value parse_json_filter(Render& r, const Value& v, const Arguments&) {
  need(v);
  if (!v.is(Kind::string)) fail(fmt::format("from_json: the JSON object must be str, not {}", type_name(v)));
  return parse_json(r.heap, v.text());
}

constexpr std::array<Named<Filter>, 27> kFilters = {{{"tojson", to_json},
                                                     {"trim", trim},
                                                     {"string", string},
                                                     {"upper", case_filter<Case::upper>},
                                                     {"lower", case_filter<Case::lower>},
                                                     {"capitalize", case_filter<Case::capitalize>},
                                                     {"title", title},
                                                     {"replace", replace_filter},
                                                     {"indent", indent_filter},
                                                     {"safe", safe},
                                                     {"escape", escape},
                                                     {"e", escape},
                                                     {"forceescape", force_escape},
                                                     {"int", to_integer},
                                                     {"float", to_real},
                                                     {"abs", absolute},
                                                     {"round", round_filter},
                                                     {"format", format_filter},
                                                     {"truncate", truncate},
                                                     {"center", center},
                                                     {"wordcount", word_count},
                                                     {"striptags", strip_tags},
                                                     {"filesizeformat", file_size},
                                                     {"urlencode", url_encode},
                                                     {"from_json", parse_json_filter},
                                                     {"fromjson", parse_json_filter},
                                                     {"parse_json", parse_json_filter}}};

}  // namespace

std::span<const Named<Filter>> text_filters() { return kFilters; }

}  // namespace longhand::jinja
