// What str methods and string filters share. All of it keeps trust marks.
#pragma once

#include <string_view>
#include <vector>

#include "engine/chat/jinja/value.h"

namespace longhand::jinja {

enum class Side : std::uint8_t { left, right, both };
/// Removes white space, or any of the characters of `chars`, at the ends.
Value strip(Heap& heap, const Value& text, Side side, const std::string_view* chars = nullptr);

enum class Case : std::uint8_t { lower, upper, title, capitalize, swap };
Value change_case(Heap& heap, const Value& text, Case to);
/// Jinja's `title` filter: words start after white space, "-" and opening brackets only.
Value title_words(Heap& heap, const Value& text);

/// At most `count` replacements (all when negative); an empty `from` matches between all characters.
Value replace(Heap& heap, const Value& text, const Text& from, const Text& to, std::int64_t count);

/// Parts between separators, `separator` null meaning runs of white space; at most `limit` splits when >= 0.
std::vector<Value> split(Heap& heap, const Value& text, const std::string_view* separator,
                         std::int64_t limit);
std::vector<Value> split_right(Heap& heap, const Value& text, const std::string_view* separator,
                               std::int64_t limit);
std::vector<Value> split_lines(Heap& heap, const Value& text, bool keep_ends);

/// Padded to `width` characters with `fill` (one character) on the side(s) named.
Value pad(Heap& heap, const Value& text, std::int64_t width, const Text& fill, Side side);

/// `text` with line starts indented, as the `indent` filter does.
struct Indent {
  Text prefix;
  bool first = false;  // also the first line
  bool blank = false;  // also blank lines
};
Value indent(Heap& heap, const Value& text, const Indent& how);

/// A part of `text` with its marks.
Value part(Heap& heap, const Value& text, std::size_t begin, std::size_t end);

}  // namespace longhand::jinja
