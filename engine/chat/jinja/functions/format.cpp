#include "engine/chat/jinja/functions/format.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/chat/jinja/functions/format_spec.h"
#include "engine/chat/jinja/functions/string_ops.h"
#include "engine/chat/jinja/operators.h"
#include "engine/chat/jinja/scan.h"

namespace longhand::jinja {

std::int64_t read_number(std::string_view text, std::size_t& at, std::int64_t limit) {
  std::int64_t value = 0;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
    value = value * 10 + (text[at++] - '0');
    if (value > limit) fail("format: width or precision too large");
  }
  return value;
}

namespace {

std::string grouped(const std::string& digits, char separator, std::size_t group) {
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % group == 0) out += separator;
    out += digits[i];
  }
  return out;
}

std::string magnitude_digits(std::uint64_t value, const Spec& spec) {
  std::string digits, prefix;
  switch (spec.type) {
    case 'x':
      digits = fmt::format("{:x}", value), prefix = "0x";
      break;
    case 'X':
      digits = fmt::format("{:X}", value), prefix = "0X";
      break;
    case 'o':
      digits = fmt::format("{:o}", value), prefix = "0o";
      break;
    case 'b':
      digits = fmt::format("{:b}", value), prefix = "0b";
      break;
    default:
      digits = fmt::format("{}", value);
  }
  if (spec.group != '\0') digits = grouped(digits, spec.group, prefix.empty() ? 3 : 4);
  return (spec.alternate ? prefix : "") + digits;
}

// |value| as Python prints it for type e, f, g, % or none.
std::string real_digits(double value, const Spec& spec) {
  const bool upper = spec.type == 'E' || spec.type == 'F' || spec.type == 'G';
  if (!std::isfinite(value)) return std::isnan(value) ? (upper ? "NAN" : "nan") : (upper ? "INF" : "inf");
  const int precision = int(spec.precision < 0 ? 6 : spec.precision);
  std::string text;
  switch (spec.type) {
    case 'e':
      text = fmt::format("{:.{}e}", value, precision);
      break;
    case 'E':
      text = fmt::format("{:.{}E}", value, precision);
      break;
    case 'f':
    case 'F':
      text = fmt::format("{:.{}f}", value, precision);
      break;
    case '%':
      text = fmt::format("{:.{}f}", value * 100, precision);
      break;
    case 'g':
      text = fmt::format("{:.{}g}", value, std::max(precision, 1));
      break;
    case 'G':
      text = fmt::format("{:.{}G}", value, std::max(precision, 1));
      break;
    default:
      text = spec.precision < 0 ? float_repr(value) : fmt::format("{:.{}g}", value, std::max(precision, 1));
  }
  if (spec.group != '\0') {
    const std::size_t whole = std::min(text.find_first_not_of("0123456789"), text.size());
    text = grouped(text.substr(0, whole), spec.group, 3) + text.substr(whole);
  }
  return spec.type == '%' ? text + "%" : text;
}

// Puts sign, digits and padding together.
Value assemble(Heap& heap, std::string_view sign, const std::string& digits, const Spec& spec, bool trusted) {
  const auto used = std::int64_t(sign.size() + digits.size());
  if (spec.zero || spec.align == '=') {
    const auto missing = std::size_t(std::max<std::int64_t>(spec.width - used, 0));
    const std::string fill = spec.zero ? "0" : spec.fill.bytes();
    std::string text(sign);
    for (std::size_t i = 0; i < missing; ++i) text += fill;
    return heap.string(text + digits, trusted);
  }
  const Value text = heap.string(std::string(sign) + digits, trusted);
  const Side side = spec.align == '<' ? Side::right : spec.align == '^' ? Side::both : Side::left;
  return pad(heap, text, spec.width, spec.fill, side);
}

}  // namespace

Value format_number(Heap& heap, const Value& value, const Spec& spec) {
  const bool real =
      value.is(Kind::real) ||
      (spec.type != '\0' && std::string_view("eEfFgG%").find(spec.type) != std::string_view::npos);
  const bool negative = real ? std::signbit(value.as_real()) : value.as_integer() < 0;
  const std::string_view sign = negative ? "-" : spec.sign == '+' ? "+" : spec.sign == ' ' ? " " : "";
  if (real) {
    const std::string digits = real_digits(std::abs(value.as_real()), spec);
    heap.step(digits.size());  // up to 1400, each of them some operations on a long number
    return assemble(heap, sign, digits, spec, value.trusted());
  }
  const auto bits = std::uint64_t(value.as_integer());
  return assemble(heap, sign, magnitude_digits(negative ? 0 - bits : bits, spec), spec, value.trusted());
}

Value format_text(Heap& heap, const Value& value, const Spec& spec) {
  Value text = value;
  if (spec.precision >= 0) {
    text = part(heap, value, 0, char_offset(heap, value.view(), std::size_t(spec.precision)));
  }
  const Side side = spec.align == '>' ? Side::left : spec.align == '^' ? Side::both : Side::right;
  return pad(heap, text, spec.width, spec.fill, side);
}

// ---- "%" --------------------------------------------------------------------------------------------------

namespace {

/// Gives the arguments of a % format one after another, or by name.
class PercentArguments {
 public:
  explicit PercentArguments(const Value& value) : value_(value) {}
  const Value& next() {
    if (!value_.is(Kind::tuple)) {
      if (used_++ > 0) fail("not enough arguments for format string");
      return value_;
    }
    if (used_ >= value_.items().size()) fail("not enough arguments for format string");
    return value_.items()[used_++];
  }
  const Value& named(Heap& heap, std::string_view name) {
    if (!value_.is(Kind::dict)) fail("format requires a mapping");
    const Value* found = value_.dict().find(heap, name);
    if (found == nullptr) fail(fmt::format("format: no key '{}'", name));
    used_ = SIZE_MAX;
    return *found;
  }
  void finish() const {
    const bool left = value_.is(Kind::tuple) ? used_ < value_.items().size()
                                             : used_ == 0 && !value_.is(Kind::dict) && !value_.is(Kind::list);
    if (left) fail("not all arguments converted during string formatting");
  }

 private:
  const Value& value_;
  std::size_t used_ = 0;
};

}  // namespace

Value percent_item(Heap& heap, const Value& value, const Spec& spec) {
  switch (spec.type) {
    case 's':
      return format_text(heap, to_string(heap, value), spec);
    case 'r':
    case 'a': {
      Builder out(heap);
      repr(out, value);
      return format_text(heap, out.take(), spec);
    }
    case 'c': {
      if (value.is(Kind::string)) return format_text(heap, value, spec);
      if (!value.is_whole()) fail("%c requires int or char");
      std::string text;
      append_char(text, char32_t(value.as_integer()));
      return format_text(heap, heap.string(text, value.trusted()), spec);
    }
    default:
      break;
  }
  need(value);
  if (!value.is_number()) {
    fail(fmt::format("%{} format: a number is required, not {}", spec.type, type_name(value)));
  }
  const bool whole = std::string_view("diuxXo").find(spec.type) != std::string_view::npos;
  if (!whole && std::string_view("eEfFgG").find(spec.type) == std::string_view::npos) {
    fail(fmt::format("unsupported format character '{}'", spec.type));
  }
  if (!whole || !value.is(Kind::real)) return format_number(heap, value, spec);
  if (!(std::abs(value.as_real()) < 0x1p63)) fail("cannot convert float to integer");
  return format_number(heap, Value::integer(std::int64_t(value.as_real())).with_trust(value.trusted()), spec);
}

Value format_percent(Heap& heap, const Value& format, const Value& arguments) {
  Builder out(heap);
  PercentArguments source(arguments);
  const std::string_view f = format.view();
  heap.read(f.size());
  std::size_t at = 0;
  while (at < f.size()) {
    const std::size_t mark = std::min(f.find('%', at), f.size());
    out.append(format.text(), at, mark);
    if (mark == f.size()) break;
    at = mark + 1;
    const Value* value = nullptr;
    if (at < f.size() && f[at] == '(') {
      const std::size_t close = f.find(')', at);
      if (close == std::string_view::npos) fail("incomplete format key");
      value = &source.named(heap, f.substr(at + 1, close - at - 1));
      at = close + 1;
    }
    Spec spec;
    spec.align = '>';
    for (; at < f.size() && std::string_view("-+ #0").find(f[at]) != std::string_view::npos; ++at) {
      if (f[at] == '-') spec.align = '<';
      if (f[at] == '0') spec.zero = true;
      if (f[at] == '#') spec.alternate = true;
      if (f[at] == '+' || (f[at] == ' ' && spec.sign != '+')) spec.sign = f[at];
    }
    spec.zero = spec.zero && spec.align != '<';
    const auto number = [&](std::int64_t limit) {
      if (at >= f.size() || f[at] != '*') return read_number(f, at, limit);
      ++at;
      const Value& given = source.next();
      if (!given.is_whole() || given.as_integer() < 0 || given.as_integer() > limit)
        fail("* wants a small int");
      return given.as_integer();
    };
    spec.width = number(kMaxWidth);
    if (at < f.size() && f[at] == '.') {
      ++at;
      spec.precision = number(kMaxPrecision);
    }
    if (at >= f.size()) fail("incomplete format");
    spec.type = f[at++];
    if (spec.type == '%') {
      out.append(format.text(), at - 1, at);
      continue;
    }
    out.append(percent_item(heap, value != nullptr ? *value : source.next(), spec).text());
  }
  source.finish();
  return out.take(format.string().markup);
}

}  // namespace longhand::jinja
