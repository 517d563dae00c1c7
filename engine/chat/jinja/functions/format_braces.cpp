// str.format().
#include <fmt/format.h>

#include <algorithm>

#include "engine/chat/jinja/functions/format.h"
#include "engine/chat/jinja/functions/format_spec.h"
#include "engine/chat/jinja/operators.h"
#include "engine/chat/jinja/render.h"

namespace longhand::jinja {

namespace {

Spec parse_spec(std::string_view text) {
  Spec spec;
  std::size_t at = 0;
  const auto is_align = [&](std::size_t i) {
    return i < text.size() && std::string_view("<>^=").find(text[i]) != std::string_view::npos;
  };
  const std::size_t first = text.empty() ? 0 : char_length(text, 0);
  if (first > 0 && is_align(first)) {
    spec.fill = Text(std::string(text.substr(0, first)));
    spec.align = text[first];
    at = first + 1;
  } else if (is_align(0)) {
    spec.align = text[at++];
  }
  const auto accept = [&](std::string_view any_of) {
    return at < text.size() && any_of.find(text[at]) != std::string_view::npos;
  };
  if (accept("+- ")) spec.sign = text[at++];
  if (accept("#")) spec.alternate = (++at, true);
  if (accept("0")) spec.zero = (++at, spec.align == '\0');
  spec.width = read_number(text, at, kMaxWidth);
  if (accept(",_")) spec.group = text[at++];
  if (accept(".")) {
    ++at;
    spec.precision = read_number(text, at, kMaxPrecision);
  }
  if (at < text.size()) spec.type = text[at++];
  if (at < text.size()) fail(fmt::format("invalid format specifier '{}'", text.substr(0, 60)));
  return spec;
}

Value format_value(Heap& heap, const Value& value, std::string_view text) {
  if (text.empty()) return to_string(heap, value);
  Spec spec = parse_spec(text);
  if (value.is_number() && spec.type != 's') {
    if (spec.type == 'c') return percent_item(heap, value, spec);
    if (spec.type == 'n') spec.type = '\0';
    if (spec.type != '\0' && std::string_view("dxXobeEfFgG%").find(spec.type) == std::string_view::npos) {
      fail(fmt::format("unknown format code '{}' for object of type '{}'", spec.type, type_name(value)));
    }
    return format_number(heap, value, spec);
  }
  if (spec.type != '\0' && spec.type != 's') {
    fail(fmt::format("unknown format code '{}' for object of type '{}'", spec.type, type_name(value)));
  }
  spec.zero = false;
  return format_text(heap, to_string(heap, value), spec);
}

/// One str.format() call.
class BraceFormat {
 public:
  BraceFormat(Render& render, const Arguments& arguments) : r_(render), arguments_(arguments) {}

  void run(Builder& out, const Text& format, int depth) {
    const std::string_view f = format.view();
    r_.heap.read(f.size());
    for (std::size_t at = 0; at < f.size();) {
      const std::size_t mark = std::min(f.find_first_of("{}", at), f.size());
      out.append(format, at, mark);
      if (mark == f.size()) break;
      if (mark + 1 < f.size() && f[mark + 1] == f[mark]) {
        out.append(format, mark, mark + 1);
        at = mark + 2;
        continue;
      }
      if (f[mark] == '}') fail("single '}' encountered in format string");
      at = field(out, format, mark + 1, depth);
    }
  }

 private:
  // "name!r:spec}" from `at` on; returns the position behind it.
  std::size_t field(Builder& out, const Text& format, std::size_t at, int depth) {
    const std::string_view f = format.view();
    const std::size_t name_end = f.find_first_of("!:}", at);
    if (name_end == std::string_view::npos) fail("expected '}' before end of string");
    Value value = resolve(f.substr(at, name_end - at));
    at = name_end;
    if (f[at] == '!') {
      if (at + 2 >= f.size()) fail("end of string while looking for conversion specifier");
      value = convert(value, f[at + 1]);
      at += 2;
    }
    if (f[at] == '}') {
      out.append(to_string(r_.heap, value).text());
      return at + 1;
    }
    if (f[at] != ':') fail("expected ':' after conversion specifier");
    std::size_t end = ++at;
    for (int open = 1; end < f.size(); ++end) {
      open += f[end] == '{' ? 1 : f[end] == '}' ? -1 : 0;
      if (open == 0) break;
    }
    if (end >= f.size()) fail("expected '}' before end of string");
    if (depth >= 2) fail("max string recursion exceeded");
    Builder spec(r_.heap);
    run(spec, format.slice(at, end), depth + 1);
    out.append(format_value(r_.heap, value, spec.text().view()).text());
    return end + 1;
  }

  Value convert(const Value& value, char how) {
    if (how == 's') return to_string(r_.heap, value);
    if (how != 'r' && how != 'a') fail("unknown conversion specifier");
    Builder out(r_.heap);
    repr(out, value);
    return out.take();
  }

  // "0.attribute[key]"; an empty first part takes the next argument.
  Value resolve(std::string_view path) {
    std::size_t at = std::min(path.find_first_of(".["), path.size());
    Value value = first(path.substr(0, at));
    while (at < path.size()) {
      const bool item = path[at] == '[';
      const std::size_t end =
          item ? path.find(']', at) : std::min(path.find_first_of(".[", at + 1), path.size());
      if (end == std::string_view::npos) fail("missing ']' in format string");
      const std::string_view name = path.substr(at + 1, end - at - 1);
      std::int64_t index = 0;
      if (item && as_index(name, index)) {
        value = r_.subscript(value, Value::integer(index));
      } else {
        const Value key = r_.heap.string(name);
        if (!item && name.starts_with("__")) {  // out of reach, which here leaves nothing instead of failing
          need(value);
          value = Value::undefined(Missing::unsafe, &key.text().bytes(), value.kind());
          at = end;
          continue;
        }
        value = item ? r_.subscript(value, key) : r_.attribute(value, key.text().bytes());
      }
      at = item ? end + 1 : end;
    }
    return value;
  }

  Value first(std::string_view name) {
    std::int64_t index = 0;
    if (!name.empty() && !as_index(name, index)) {
      r_.heap.read(arguments_.named.size());
      for (const auto& [key, value] : arguments_.named) {
        if (key == name) return value;
      }
      fail(fmt::format("format: no argument '{}'", name));
    }
    if (name.empty()) index = next_++;
    if (index >= std::int64_t(arguments_.positional.size())) fail("format: argument index out of range");
    return arguments_.positional[std::size_t(index)];
  }

  static bool as_index(std::string_view text, std::int64_t& index) {
    std::size_t at = 0;
    index = read_number(text, at, kMaxWidth);
    return at > 0 && at == text.size();
  }

  Render& r_;
  const Arguments& arguments_;
  std::int64_t next_ = 0;
};

}  // namespace

Value format_braces(Render& render, const Value& format, const Arguments& arguments) {
  Builder out(render.heap);
  BraceFormat(render, arguments).run(out, format.text(), 0);
  return out.take(format.string().markup);
}

}  // namespace longhand::jinja
