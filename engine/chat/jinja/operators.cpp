#include "engine/chat/jinja/operators.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "engine/chat/jinja/functions/format.h"
#include "engine/chat/jinja/scan.h"

namespace longhand::jinja {

std::string_view type_name(const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
      return "Undefined";
    case Kind::none:
      return "NoneType";
    case Kind::boolean:
      return "bool";
    case Kind::integer:
      return "int";
    case Kind::real:
      return "float";
    case Kind::string:
      return value.string().markup ? "Markup" : "str";
    case Kind::list:
      return "list";
    case Kind::tuple:
      return "tuple";
    case Kind::dict:
      return "dict";
    case Kind::range:
      return "range";
    case Kind::view:
    case Kind::generator:
      return value.sequence().type_name;
    case Kind::native:
      return value.native().type_name();
  }
  return "object";
}

void fail_undefined(const Value& value) {
  const std::string name = value.missing_name() == nullptr ? "?" : *value.missing_name();
  // Jinja calls None by its name and everything else "<type> object".
  constexpr std::array kOwners = {"Undefined", "None", "bool",  "int",  "float",     "str",   "list",
                                  "tuple",     "dict", "range", "view", "generator", "object"};
  const std::string_view owner = kOwners[std::size_t(value.missing_owner())];
  const std::string_view suffix = value.missing_owner() == Kind::none ? "" : " object";
  switch (value.missing()) {
    case Missing::variable:
      fail(fmt::format("'{}' is undefined", name));
    case Missing::attribute:
      fail(fmt::format("'{}{}' has no attribute '{}'", owner, suffix, name));
    case Missing::element:
      fail(fmt::format("{}{} has no such element", owner, suffix));
    case Missing::parameter:
      fail(fmt::format("parameter '{}' was not provided", name));
    case Missing::unsafe:
      fail(fmt::format("access to attribute '{}' of '{}' object is unsafe", name, owner));
    case Missing::reason:
      fail(name);
  }
  fail("undefined value");
}

bool truth(const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
    case Kind::none:
      return false;
    case Kind::boolean:
    case Kind::integer:
      return value.as_integer() != 0;
    case Kind::real:
      return value.as_real() != 0.0;
    case Kind::string:
      return !value.view().empty();
    case Kind::list:
    case Kind::tuple:
    case Kind::view:
      return !value.items().empty();
    case Kind::dict:
      return value.dict().size() != 0;
    case Kind::range:
      return value.range().count != 0;
    case Kind::generator:
    case Kind::native:
      return true;
  }
  return true;
}

bool same(Heap& heap, const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::undefined:
      return a.missing_name() == b.missing_name();
    case Kind::none:
      return true;
    case Kind::boolean:
    case Kind::integer:
      return a.as_integer() == b.as_integer();
    case Kind::real:
      return a.as_real() == b.as_real();
    case Kind::string:
      return a.identity() == b.identity() || equal_text(heap, a.view(), b.view());
    default:
      return a.identity() == b.identity();
  }
}

// ---- equality and order -----------------------------------------------------------------------------------

namespace {

// Whole numbers compare exactly; a mixed pair as doubles.
int order_numbers(const Value& a, const Value& b) {
  if (a.is_whole() && b.is_whole()) {
    return a.as_integer() < b.as_integer() ? -1 : a.as_integer() > b.as_integer() ? 1 : 0;
  }
  return a.as_real() < b.as_real() ? -1 : a.as_real() > b.as_real() ? 1 : 0;
}

bool equal_at(Heap& heap, const Value& a, const Value& b, int depth);

bool equal_dicts(Heap& heap, const Dict& a, const Dict& b, int depth) {
  if (a.size() != b.size()) return false;
  for (const auto& [key, value] : a.entries()) {
    const Value* other = b.find(heap, key);
    if (other == nullptr || !equal_at(heap, value, *other, depth + 1)) return false;
  }
  return true;
}

bool equal_at(Heap& heap, const Value& a, const Value& b, int depth) {
  if (depth > kMaxDepth) fail("comparison of values nested too deeply");
  heap.step();
  if (a.is_number() && b.is_number()) {
    if (a.is_whole() && b.is_whole()) return a.as_integer() == b.as_integer();
    return a.as_real() == b.as_real();
  }
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::undefined:
    case Kind::none:
      return true;
    case Kind::string:
      return equal_text(heap, a.view(), b.view());
    case Kind::list:
    case Kind::tuple: {
      if (a.items().size() != b.items().size()) return false;
      for (std::size_t i = 0; i < a.items().size(); ++i) {
        if (!equal_at(heap, a.items()[i], b.items()[i], depth + 1)) return false;
      }
      return true;
    }
    case Kind::dict:
      return equal_dicts(heap, a.dict(), b.dict(), depth);
    case Kind::range: {
      const Range &x = a.range(), &y = b.range();
      return x.count == y.count &&
             (x.count == 0 || (x.start == y.start && (x.count == 1 || x.step == y.step)));
    }
    default:
      return a.identity() == b.identity();
  }
}

int order_at(Heap& heap, const Value& a, const Value& b, std::string_view op, int depth) {
  if (depth > kMaxDepth) fail("comparison of values nested too deeply");
  heap.step();
  if (a.is_number() && b.is_number()) return order_numbers(a, b);
  need(a);
  need(b);
  if (a.is(Kind::string) && b.is(Kind::string)) {
    heap.compare(std::min(a.view().size(), b.view().size()));
    return a.view().compare(b.view());  // byte order of UTF-8 is code point order
  }
  if (a.is_items() && a.kind() == b.kind()) {
    const auto &x = a.items(), &y = b.items();
    for (std::size_t i = 0; i < x.size() && i < y.size(); ++i) {
      if (!equal_at(heap, x[i], y[i], depth + 1)) return order_at(heap, x[i], y[i], op, depth + 1);
    }
    return x.size() < y.size() ? -1 : x.size() > y.size() ? 1 : 0;
  }
  fail(fmt::format("'{}' not supported between instances of '{}' and '{}'", op, type_name(a), type_name(b)));
}

}  // namespace

bool equal(Heap& heap, const Value& a, const Value& b) { return equal_at(heap, a, b, 0); }

int order(Heap& heap, const Value& a, const Value& b, std::string_view op) {
  return order_at(heap, a, b, op, 0);
}

bool contains(Heap& heap, const Value& container, const Value& item) {
  switch (container.kind()) {
    case Kind::string:
      if (!item.is(Kind::string)) {
        fail(fmt::format("'in <string>' requires string as left operand, not {}", type_name(item)));
      }
      return contains(heap, container.view(), item.view());
    case Kind::dict:
      return container.dict().find(heap, item) != nullptr;
    case Kind::native:
      fail(fmt::format("argument of type '{}' is not iterable", type_name(container)));
    default:
      break;
  }
  if (!is_iterable(container))
    fail(fmt::format("argument of type '{}' is not iterable", type_name(container)));
  Iterator items(heap, container);
  for (Value candidate; items.next(candidate);) {
    if (equal(heap, candidate, item)) return true;
  }
  return false;
}

// ---- arithmetic -------------------------------------------------------------------------------------------

namespace {

constexpr std::array<std::string_view, 7> kSymbols = {"+", "-", "*", "/", "//", "%", "** or pow()"};

[[noreturn]] void fail_operands(Operator op, const Value& a, const Value& b) {
  if (op == Operator::add && (a.is(Kind::string) || a.is_items())) {
    fail(fmt::format("can only concatenate {} (not \"{}\") to {}", type_name(a), type_name(b), type_name(a)));
  }
  fail(fmt::format("unsupported operand type(s) for {}: '{}' and '{}'", kSymbols[std::size_t(op)],
                   type_name(a), type_name(b)));
}
[[noreturn]] void fail_overflow() { fail("integer beyond 64 bits"); }
[[noreturn]] void fail_zero() { fail("division by zero"); }

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  if (b == 0) fail_zero();
  if (a == std::numeric_limits<std::int64_t>::min() && b == -1) fail_overflow();
  const std::int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}
std::int64_t floor_mod(std::int64_t a, std::int64_t b) {
  if (b == 0) fail_zero();
  if (b == -1) return 0;
  const std::int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
Value power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) fail("0.0 cannot be raised to a negative power");
    return Value::real(std::pow(double(base), double(exponent)));
  }
  std::int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) fail_overflow();
    exponent >>= 1;
    // 0, 1 and -1 stay small for any exponent; any other base overflows after 63 squarings at most.
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) fail_overflow();
  }
  return Value::integer(result);
}

Value whole_arithmetic(Operator op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  switch (op) {
    case Operator::add:
      if (__builtin_add_overflow(a, b, &result)) fail_overflow();
      return Value::integer(result);
    case Operator::subtract:
      if (__builtin_sub_overflow(a, b, &result)) fail_overflow();
      return Value::integer(result);
    case Operator::multiply:
      if (__builtin_mul_overflow(a, b, &result)) fail_overflow();
      return Value::integer(result);
    case Operator::divide:
      if (b == 0) fail_zero();
      return Value::real(double(a) / double(b));
    case Operator::floor_divide:
      return Value::integer(floor_div(a, b));
    case Operator::modulo:
      return Value::integer(floor_mod(a, b));
    case Operator::power:
      return power(a, b);
  }
  return Value();
}

Value real_arithmetic(Operator op, double a, double b) {
  switch (op) {
    case Operator::add:
      return Value::real(a + b);
    case Operator::subtract:
      return Value::real(a - b);
    case Operator::multiply:
      return Value::real(a * b);
    case Operator::power:
      return Value::real(std::pow(a, b));
    default:
      break;
  }
  if (b == 0.0) fail_zero();
  if (op == Operator::divide) return Value::real(a / b);
  if (op == Operator::floor_divide) return Value::real(std::floor(a / b));
  const double rest = std::fmod(a, b);
  return Value::real(rest != 0.0 && (rest < 0) != (b < 0) ? rest + b : rest);
}

Value add_strings(Heap& heap, const Value& a, const Value& b) {
  const bool markup = a.string().markup || b.string().markup;
  Builder out(heap);
  for (const Value* part : {&a, &b}) {
    if (markup && !part->string().markup) {
      escape_html(out, part->text());
    } else {
      out.append(part->text());
    }
  }
  return out.take(markup);
}

Value add_items(Heap& heap, const Value& a, const Value& b) {
  Sequence* out = heap.sequence();
  out->trusted = a.sequence().trusted && b.sequence().trusted;
  heap.charge((a.items().size() + b.items().size()) * sizeof(Value));
  out->items = a.items();
  out->items.insert(out->items.end(), b.items().begin(), b.items().end());
  return Value::of(a.kind(), out);
}

Value repeat(Heap& heap, const Value& value, std::int64_t count) {
  const std::uint64_t times = count > 0 ? std::uint64_t(count) : 0;
  const std::uint64_t unit =
      value.is(Kind::string) ? value.view().size() : value.items().size() * sizeof(Value);
  std::uint64_t total = 0;
  if (__builtin_mul_overflow(times, unit, &total)) total = UINT64_MAX;
  heap.charge(total);  // before the first byte is copied
  if (value.is(Kind::string)) {
    heap.charge(times * value.text().mark_bytes());  // less than total * 4
    Text text;
    if (unit > 0) text = value.text().repeated(std::size_t(times));
    return Value::of(heap.make<String>(std::move(text), value.string().markup));
  }
  Sequence* out = heap.sequence();
  out->trusted = value.sequence().trusted;
  for (std::uint64_t i = 0; unit > 0 && i < times; ++i) {
    out->items.insert(out->items.end(), value.items().begin(), value.items().end());
  }
  return Value::of(value.kind(), out);
}

}  // namespace

Value arithmetic(Heap& heap, Operator op, const Value& a, const Value& b) {
  if (a.is_whole() && b.is_whole()) return whole_arithmetic(op, a.as_integer(), b.as_integer());
  if (a.is_number() && b.is_number()) return real_arithmetic(op, a.as_real(), b.as_real());
  need(a);
  if (op == Operator::modulo && a.is(Kind::string)) return format_percent(heap, a, b);
  need(b);
  if (op == Operator::add) {
    if (a.is(Kind::string) && b.is(Kind::string)) return add_strings(heap, a, b);
    if (a.is_items() && a.kind() == b.kind()) return add_items(heap, a, b);
  }
  if (op == Operator::multiply) {
    if ((a.is(Kind::string) || a.is_items()) && b.is_whole()) return repeat(heap, a, b.as_integer());
    if ((b.is(Kind::string) || b.is_items()) && a.is_whole()) return repeat(heap, b, a.as_integer());
  }
  fail_operands(op, a, b);
}

Value negate(const Value& value) {
  need(value);
  if (value.is(Kind::real)) return Value::real(-value.as_real());
  if (!value.is_whole()) fail(fmt::format("bad operand type for unary -: '{}'", type_name(value)));
  if (value.as_integer() == std::numeric_limits<std::int64_t>::min()) fail_overflow();
  return Value::integer(-value.as_integer());
}

}  // namespace longhand::jinja
