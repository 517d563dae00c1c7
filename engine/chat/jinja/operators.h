// Python's operators on values: truth, order, arithmetic, subscripts, iteration.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/chat/jinja/value.h"

namespace longhand::jinja {

/// Python's type(x).__name__.
std::string_view type_name(const Value& value);
/// Throws the error Jinja gives when an undefined value is used.
[[noreturn]] void fail_undefined(const Value& value);
/// Throws when `value` is undefined.
inline void need(const Value& value) {
  if (value.is(Kind::undefined)) fail_undefined(value);
}

bool truth(const Value& value);
bool equal(Heap& heap, const Value& a, const Value& b);
/// Negative, zero or positive. Throws for types Python does not order; `op` names the operator
/// in the message.
int order(Heap& heap, const Value& a, const Value& b, std::string_view op = "<");
/// `item in container`.
bool contains(Heap& heap, const Value& container, const Value& item);
/// Same object (or same number, None, boolean).
bool same(Heap& heap, const Value& a, const Value& b);
/// len(); throws for what has none. has_length() says so beforehand.
std::int64_t length(Heap& heap, const Value& value);
bool has_length(const Value& value);
bool is_iterable(const Value& value);

enum class Operator : std::uint8_t { add, subtract, multiply, divide, floor_divide, modulo, power };
Value arithmetic(Heap& heap, Operator op, const Value& a, const Value& b);
Value negate(const Value& value);

/// value[key] for a list, tuple, string, range or dict; nothing where Python raises IndexError,
/// KeyError or TypeError.
std::optional<Value> element(Heap& heap, const Value& value, const Value& key);
/// value[start:stop:step]; undefined or None bounds are absent ones.
struct Slice {
  Value start, stop, step;
};
Value slice(Heap& heap, const Value& value, const Slice& bounds);

/// Reads any iterable item by item, as Python's iter() and next().
class Iterator {
 public:
  /// Throws when `value` is not iterable.
  Iterator(Heap& heap, const Value& value);
  bool next(Value& item);

 private:
  Heap& heap_;
  Value source_;
  std::size_t at_ = 0;
};
/// list(value).
std::vector<Value> collect(Heap& heap, const Value& value);

/// str(value) and repr(value) with trust marks.
void print(Builder& out, const Value& value);
void repr(Builder& out, const Value& value);
Value to_string(Heap& heap, const Value& value);
/// As Python's repr(float): shortest digits that read back the same.
std::string float_repr(double value);
/// HTML-escaped, as markupsafe does it.
void escape_html(Builder& out, const Text& text);

}  // namespace longhand::jinja
