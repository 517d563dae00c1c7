// Methods of str.
#include <fmt/format.h>

#include <algorithm>

#include "engine/chat/jinja/functions/format.h"
#include "engine/chat/jinja/functions/methods.h"
#include "engine/chat/jinja/functions/string_ops.h"
#include "engine/chat/jinja/functions/unicode_case.h"
#include "engine/chat/jinja/operators.h"
#include "engine/chat/jinja/scan.h"

namespace longhand::jinja {
namespace {

Value strip_method(Render& r, const Value& self, const Arguments& a, Side side, std::string_view name) {
  const Bound bound(name, a, {"chars"});
  if (!bound.given(0)) return strip(heap_of(r), self, side);
  const std::string_view chars = bound.text(0).view();
  return strip(heap_of(r), self, side, &chars);
}
Value strip_both(Render& r, const Value& s, const Arguments& a) {
  return strip_method(r, s, a, Side::both, "strip");
}
Value strip_left(Render& r, const Value& s, const Arguments& a) {
  return strip_method(r, s, a, Side::left, "lstrip");
}
Value strip_right(Render& r, const Value& s, const Arguments& a) {
  return strip_method(r, s, a, Side::right, "rstrip");
}

template <Case kTo>
Value case_method(Render& r, const Value& self, const Arguments& a) {
  const Bound none("case method", a, {});
  return change_case(heap_of(r), self, kTo);
}

using Splitter = std::vector<Value> (*)(Heap&, const Value&, const std::string_view*, std::int64_t);
template <Splitter kSplit>
Value split_method(Render& r, const Value& self, const Arguments& a) {
  const Bound bound("split", a, {"sep", "maxsplit"});
  const std::string_view separator = bound.given(0) ? bound.text(0).view() : std::string_view();
  return heap_of(r).list(
      kSplit(heap_of(r), self, bound.given(0) ? &separator : nullptr, bound.integer(1, -1)));
}
Value splitlines(Render& r, const Value& self, const Arguments& a) {
  const Bound bound("splitlines", a, {"keepends"});
  return heap_of(r).list(split_lines(heap_of(r), self, bound.flag(0, false)));
}

Value join(Render& r, const Value& self, const Arguments& a) {
  const Bound bound("join", a, {"iterable"}, 1);
  Builder out(heap_of(r));
  Iterator items(heap_of(r), *bound[0]);
  std::size_t index = 0;
  for (Value item; items.next(item); ++index) {
    if (!item.is(Kind::string)) {
      fail(fmt::format("sequence item {}: expected str instance, {} found", index, type_name(item)));
    }
    if (index > 0) out.append(self.text());
    out.append(item.text());
  }
  return out.take(self.string().markup);
}

Value replace_method(Render& r, const Value& self, const Arguments& a) {
  const Bound bound("replace", a, {"old", "new", "count"}, 2);
  return replace(heap_of(r), self, bound.text(0), bound.text(1), bound.integer(2, -1));
}

// ---- searching --------------------------------------------------------------------------------------------

struct Window {
  std::size_t begin, end;  // bytes
  bool empty_range;        // start beyond the end: nothing is found there, not even ""
};

// The part of the text that optional start and end positions (in characters) select.
Window window(Heap& heap, const Value& self, const Bound& bound) {
  const std::string_view s = self.view();
  if (!bound.given(1) && !bound.given(2)) return {0, s.size(), false};
  const auto size = std::int64_t(char_count(heap, s));
  const auto clamp = [&](std::int64_t at) { return at < 0 ? std::max<std::int64_t>(at + size, 0) : at; };
  const std::int64_t begin = clamp(bound.integer(1, 0));
  const std::int64_t end = std::min(clamp(bound.integer(2, size)), size);
  if (begin > end) return {0, 0, true};
  return {char_offset(heap, s, std::size_t(begin)), char_offset(heap, s, std::size_t(end)), false};
}

std::size_t find_in(Heap& heap, std::string_view text, std::string_view wanted, bool from_right) {
  return from_right ? BackwardSearch(heap, text, wanted).find(text.size())
                    : Search(heap, text, wanted).find();
}

std::int64_t search(Render& r, const Value& self, const Arguments& a, bool from_right) {
  const Bound bound("find", a, {"sub", "start", "end"}, 1);
  Heap& heap = heap_of(r);
  const Window w = window(heap, self, bound);
  if (w.empty_range) return -1;
  const std::string_view part = self.view().substr(w.begin, w.end - w.begin);
  const std::size_t at = find_in(heap, part, bound.text(0).view(), from_right);
  if (at == std::string_view::npos) return -1;
  return std::int64_t(char_count(heap, self.view().substr(0, w.begin + at)));
}
template <bool kFromRight>
Value find(Render& r, const Value& self, const Arguments& a) {
  return Value::integer(search(r, self, a, kFromRight));
}
template <bool kFromRight>
Value index(Render& r, const Value& self, const Arguments& a) {
  const std::int64_t at = search(r, self, a, kFromRight);
  if (at < 0) fail("substring not found");
  return Value::integer(at);
}

Value count(Render& r, const Value& self, const Arguments& a) {
  const Bound bound("count", a, {"sub", "start", "end"}, 1);
  Heap& heap = heap_of(r);
  const Window w = window(heap, self, bound);
  if (w.empty_range) return Value::integer(0);
  const std::string_view part = self.view().substr(w.begin, w.end - w.begin), sub = bound.text(0).view();
  if (sub.empty()) return Value::integer(std::int64_t(char_count(heap, part)) + 1);
  Search occurrences(heap, part, sub);
  std::int64_t found = 0;
  for (std::size_t at = occurrences.find(); at != std::string_view::npos;
       at = occurrences.find(at + sub.size())) {
    ++found;
  }
  return Value::integer(found);
}

template <bool kEnd>
Value affix_test(Render& r, const Value& self, const Arguments& a) {
  const Bound bound(kEnd ? "endswith" : "startswith", a, {"prefix", "start", "end"}, 1);
  Heap& heap = heap_of(r);
  const Window w = window(heap, self, bound);
  const std::string_view part = self.view().substr(w.begin, w.end - w.begin);
  const auto matches = [&](const Value& affix) {
    heap.step();
    if (!affix.is(Kind::string)) {
      fail(fmt::format("{} first arg must be str or a tuple of str, not {}", kEnd ? "endswith" : "startswith",
                       type_name(affix)));
    }
    if (w.empty_range) return false;
    return kEnd ? ends_with(heap, part, affix.view()) : starts_with(heap, part, affix.view());
  };
  if (!bound[0]->is(Kind::tuple)) return Value::boolean(matches(*bound[0]));
  return Value::boolean(std::any_of(bound[0]->items().begin(), bound[0]->items().end(), matches));
}

template <bool kFromRight>
Value partition(Render& r, const Value& self, const Arguments& a) {
  const Bound bound("partition", a, {"sep"}, 1);
  const std::string_view s = self.view(), separator = bound.text(0).view();
  if (separator.empty()) fail("empty separator");
  Heap& heap = heap_of(r);
  const std::size_t at = find_in(heap, s, separator, kFromRight);
  const Value empty = heap.string("");
  if (at == std::string_view::npos) {
    return heap.list(
        kFromRight ? std::vector<Value>{empty, empty, self} : std::vector<Value>{self, empty, empty},
        Kind::tuple);
  }
  const std::size_t end = at + separator.size();
  return heap.list({part(heap, self, 0, at), part(heap, self, at, end), part(heap, self, end, s.size())},
                   Kind::tuple);
}

template <bool kSuffix>
Value remove_affix(Render& r, const Value& self, const Arguments& a) {
  const Bound bound(kSuffix ? "removesuffix" : "removeprefix", a, {"affix"}, 1);
  const std::string_view s = self.view(), affix = bound.text(0).view();
  Heap& heap = heap_of(r);
  if (!(kSuffix ? ends_with(heap, s, affix) : starts_with(heap, s, affix))) return self;
  return kSuffix ? part(heap, self, 0, s.size() - affix.size()) : part(heap, self, affix.size(), s.size());
}

// ---- padding ----------------------------------------------------------------------------------------------

template <Side kSide>
Value pad_method(Render& r, const Value& self, const Arguments& a) {
  const Bound bound("justify", a, {"width", "fillchar"}, 1);
  const Text fill = bound[1] != nullptr ? bound.text(1) : Text(" ");
  if (char_count(heap_of(r), fill.view()) != 1) fail("the fill character must be exactly one character long");
  return pad(heap_of(r), self, bound.integer(0, 0), fill, kSide);
}

Value zfill(Render& r, const Value& self, const Arguments& a) {
  const Bound bound("zfill", a, {"width"}, 1);
  Heap& heap = heap_of(r);
  const std::string_view s = self.view();
  const bool sign = !s.empty() && (s[0] == '-' || s[0] == '+');
  if (!sign) return pad(heap, self, bound.integer(0, 0), Text("0"), Side::left);
  const std::int64_t width = bound.integer(0, 0);
  const Value digits =
      pad(heap, part(heap, self, 1, s.size()), width > 0 ? width - 1 : 0, Text("0"), Side::left);
  Builder out(heap);
  out.append(self.text(), 0, 1);
  out.append(digits.text());
  return out.take();
}

Value expandtabs(Render& r, const Value& self, const Arguments& a) {
  const Bound bound("expandtabs", a, {"tabsize"});
  const std::int64_t size = bound.integer(0, 8);
  Builder out(heap_of(r));
  std::int64_t column = 0;
  const std::string_view s = self.view();
  for (std::size_t at = 0; at < s.size(); at += char_length(s, at)) {
    heap_of(r).step();
    if (s[at] == '\t') {
      for (std::int64_t n = size > 0 ? size - column % size : 0; n > 0; --n, ++column)
        out.append(" ", self.text().trusted(at));
      continue;
    }
    out.append(self.text(), at, at + char_length(s, at));
    column = s[at] == '\n' || s[at] == '\r' ? 0 : column + 1;
  }
  return out.take();
}

// ---- is...() ----------------------------------------------------------------------------------------------

bool is_alnum(char32_t c) { return is_letter(c) || is_decimal(c); }
bool is_ascii(char32_t c) { return c < 0x80; }

using Predicate = bool (*)(char32_t);
template <Predicate kPredicate, bool kEmpty = false>
Value all_are(Render& r, const Value& self, const Arguments&) {
  const std::string_view s = self.view();
  heap_of(r).read(s.size());
  for (std::size_t at = 0; at < s.size(); at += char_length(s, at)) {
    if (!kPredicate(char_at(s, at))) return Value::boolean(false);
  }
  return Value::boolean(kEmpty || !s.empty());
}

// At least one cased character, and all of them in the case asked for.
template <Case kCase>
Value case_test(Render& r, const Value& self, const Arguments&) {
  const std::string_view s = self.view();
  heap_of(r).read(s.size());
  bool any = false, after_cased = false;
  for (std::size_t at = 0; at < s.size(); at += char_length(s, at)) {
    const char32_t c = char_at(s, at);
    const bool upper = to_lower(c) != c, lower = to_upper(c) != c;
    const bool bad = kCase == Case::upper   ? lower
                     : kCase == Case::lower ? upper
                     : after_cased          ? upper
                                            : lower;
    if ((upper || lower) && bad) return Value::boolean(false);
    after_cased = upper || lower;
    any = any || after_cased;
  }
  return Value::boolean(any);
}

// As in Python's isidentifier(), by general categories.
Value is_identifier(Render& r, const Value& self, const Arguments&) {
  const std::string_view s = self.view();
  heap_of(r).read(s.size());
  for (std::size_t at = 0; at < s.size(); at += char_length(s, at)) {
    const char32_t c = char_at(s, at);
    if (at == 0 ? !starts_identifier(c) : !continues_identifier(c)) return Value::boolean(false);
  }
  return Value::boolean(!s.empty());
}

Value format_method(Render& r, const Value& self, const Arguments& a) { return format_braces(r, self, a); }

constexpr std::array<Named<Method>, 43> kMethods = {{
    {"capitalize", case_method<Case::capitalize>},
    {"casefold", case_method<Case::lower>},
    {"center", pad_method<Side::both>},
    {"count", count},
    {"endswith", affix_test<true>},
    {"expandtabs", expandtabs},
    {"find", find<false>},
    {"format", format_method},
    {"index", index<false>},
    {"isalnum", all_are<is_alnum>},
    {"isalpha", all_are<is_letter>},
    {"isascii", all_are<is_ascii, true>},
    {"isdecimal", all_are<is_decimal>},
    {"isdigit", all_are<is_decimal>},
    {"isidentifier", is_identifier},
    {"islower", case_test<Case::lower>},
    {"isnumeric", all_are<is_decimal>},
    {"isprintable", all_are<is_printable, true>},
    {"isspace", all_are<is_space>},
    {"istitle", case_test<Case::title>},
    {"isupper", case_test<Case::upper>},
    {"join", join},
    {"ljust", pad_method<Side::right>},
    {"lower", case_method<Case::lower>},
    {"lstrip", strip_left},
    {"partition", partition<false>},
    {"removeprefix", remove_affix<false>},
    {"removesuffix", remove_affix<true>},
    {"replace", replace_method},
    {"rfind", find<true>},
    {"rindex", index<true>},
    {"rjust", pad_method<Side::left>},
    {"rpartition", partition<true>},
    {"rsplit", split_method<split_right>},
    {"rstrip", strip_right},
    {"split", split_method<split>},
    {"splitlines", splitlines},
    {"startswith", affix_test<false>},
    {"strip", strip_both},
    {"swapcase", case_method<Case::swap>},
    {"title", case_method<Case::title>},
    {"upper", case_method<Case::upper>},
    {"zfill", zfill},
}};

}  // namespace

std::span<const Named<Method>> string_methods() { return kMethods; }

}  // namespace longhand::jinja
