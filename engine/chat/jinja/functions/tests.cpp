// Tests: what follows "is".
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/chat/jinja/functions/methods.h"
#include "engine/chat/jinja/functions/unicode_case.h"
#include "engine/chat/jinja/operators.h"
#include "engine/chat/jinja/render.h"

namespace longhand::jinja {
namespace {

const Value& argument(const Arguments& a, std::string_view test) {
  if (a.positional.size() != 1 || !a.named.empty()) fail(fmt::format("test '{}' takes one argument", test));
  return a.positional[0];
}

bool is_defined(Render&, const Value& v, const Arguments&) { return !v.is(Kind::undefined); }
bool is_undefined(Render&, const Value& v, const Arguments&) { return v.is(Kind::undefined); }
bool is_none(Render&, const Value& v, const Arguments&) { return v.is(Kind::none); }
bool is_true(Render&, const Value& v, const Arguments&) { return v.is(Kind::boolean) && v.as_integer() != 0; }
bool is_false(Render&, const Value& v, const Arguments&) {
  return v.is(Kind::boolean) && v.as_integer() == 0;
}
bool is_boolean(Render&, const Value& v, const Arguments&) { return v.is(Kind::boolean); }
bool is_integer(Render&, const Value& v, const Arguments&) { return v.is(Kind::integer); }
bool is_float(Render&, const Value& v, const Arguments&) { return v.is(Kind::real); }
bool is_number(Render&, const Value& v, const Arguments&) { return v.is_number(); }
bool is_string(Render&, const Value& v, const Arguments&) { return v.is(Kind::string); }
bool is_mapping(Render&, const Value& v, const Arguments&) { return v.is(Kind::dict); }
bool is_iterable_value(Render&, const Value& v, const Arguments&) { return is_iterable(v); }
// Jinja asks for a length and subscripts; undefined values answer both.
bool is_sequence(Render&, const Value& v, const Arguments&) { return has_length(v) && !v.is(Kind::view); }
bool is_callable(Render&, const Value& v, const Arguments&) {
  return v.is(Kind::undefined) || (v.is(Kind::native) && v.native().callable());
}
bool is_escaped(Render&, const Value& v, const Arguments&) { return v.is(Kind::string) && v.string().markup; }

std::int64_t whole(const Value& v) {
  need(v);
  if (!v.is_whole()) fail("not all arguments converted during string formatting");
  return v.as_integer();
}
bool is_odd(Render&, const Value& v, const Arguments&) { return whole(v) % 2 != 0; }
bool is_even(Render&, const Value& v, const Arguments&) { return whole(v) % 2 == 0; }
bool is_divisible(Render& r, const Value& v, const Arguments& a) {
  const Value rest = arithmetic(r.heap, Operator::modulo, v, argument(a, "divisibleby"));
  return !truth(rest);
}

template <bool kUpper>
bool is_case(Render& r, const Value& v, const Arguments&) {
  const Value text = to_string(r.heap, v);
  r.heap.read(text.view().size());
  bool any = false;
  for (std::size_t at = 0; at < text.view().size(); at += char_length(text.view(), at)) {
    const char32_t c = char_at(text.view(), at);
    const bool upper = to_lower(c) != c, lower = to_upper(c) != c;
    if (kUpper ? lower : upper) return false;
    any = any || upper || lower;
  }
  return any;
}

bool is_equal(Render& r, const Value& v, const Arguments& a) {
  return equal(r.heap, v, argument(a, "equalto"));
}
bool is_different(Render& r, const Value& v, const Arguments& a) {
  return !equal(r.heap, v, argument(a, "ne"));
}
bool is_less(Render& r, const Value& v, const Arguments& a) {
  return order(r.heap, v, argument(a, "lt"), "<") < 0;
}
bool is_less_equal(Render& r, const Value& v, const Arguments& a) {
  return order(r.heap, v, argument(a, "le"), "<=") <= 0;
}
bool is_greater(Render& r, const Value& v, const Arguments& a) {
  return order(r.heap, v, argument(a, "gt"), ">") > 0;
}
bool is_greater_equal(Render& r, const Value& v, const Arguments& a) {
  return order(r.heap, v, argument(a, "ge"), ">=") >= 0;
}
bool is_in(Render& r, const Value& v, const Arguments& a) { return contains(r.heap, argument(a, "in"), v); }
bool is_same(Render& r, const Value& v, const Arguments& a) { return same(r.heap, v, argument(a, "sameas")); }
bool is_filter(Render&, const Value& v, const Arguments&) {
  return v.is(Kind::string) && find_filter(v.view()) != nullptr;
}
bool is_test(Render&, const Value& v, const Arguments&) {
  return v.is(Kind::string) && find_test(v.view()) != nullptr;
}

constexpr std::array<Named<Test>, 39> kTests = {{{"defined", is_defined},   {"undefined", is_undefined},
                                                 {"none", is_none},         {"string", is_string},
                                                 {"mapping", is_mapping},   {"iterable", is_iterable_value},
                                                 {"sequence", is_sequence}, {"true", is_true},
                                                 {"false", is_false},       {"boolean", is_boolean},
                                                 {"integer", is_integer},   {"float", is_float},
                                                 {"number", is_number},     {"callable", is_callable},
                                                 {"escaped", is_escaped},   {"odd", is_odd},
                                                 {"even", is_even},         {"divisibleby", is_divisible},
                                                 {"lower", is_case<false>}, {"upper", is_case<true>},
                                                 {"equalto", is_equal},     {"eq", is_equal},
                                                 {"==", is_equal},          {"ne", is_different},
                                                 {"!=", is_different},      {"lt", is_less},
                                                 {"lessthan", is_less},     {"<", is_less},
                                                 {"le", is_less_equal},     {"<=", is_less_equal},
                                                 {"gt", is_greater},        {"greaterthan", is_greater},
                                                 {">", is_greater},         {"ge", is_greater_equal},
                                                 {">=", is_greater_equal},  {"in", is_in},
                                                 {"sameas", is_same},       {"filter", is_filter},
                                                 {"test", is_test}}};

}  // namespace

std::span<const Named<Test>> value_tests() { return kTests; }

Test find_test(std::string_view name) { return find_named<Test>(kTests, name); }

}  // namespace longhand::jinja
