// Ways through a text that charge the heap for their length. A text may have megabytes and a template may
// walk through it in a loop, so nothing in this folder searches, counts or compares texts by other means.
#pragma once

#include <string>
#include <string_view>

#include "engine/chat/jinja/value.h"

namespace longhand::jinja {

/// Number of characters.
std::size_t char_count(Heap& heap, std::string_view text);
/// Byte position of character number `index`, or text.size() beyond the end.
std::size_t char_offset(Heap& heap, std::string_view text, std::size_t index);

bool equal_text(Heap& heap, std::string_view a, std::string_view b);
bool starts_with(Heap& heap, std::string_view text, std::string_view prefix);
bool ends_with(Heap& heap, std::string_view text, std::string_view suffix);

/// The places of one text in another, in time linear in the length of both whatever they hold.
class Search {
 public:
  Search(Heap& heap, std::string_view text, std::string_view wanted);
  /// Position of the first occurrence that begins at or behind `from`, or npos.
  std::size_t find(std::size_t from = 0);

 private:
  Heap& heap_;
  std::string_view text_, wanted_;
};

/// The same from the end.
class BackwardSearch {
 public:
  BackwardSearch(Heap& heap, std::string_view text, std::string_view wanted);
  BackwardSearch(const BackwardSearch&) = delete;  // search_ looks into text_
  BackwardSearch& operator=(const BackwardSearch&) = delete;
  /// Position of the last occurrence that ends at or before `end`, or npos.
  std::size_t find(std::size_t end);

 private:
  std::string text_, wanted_;  // back to front
  Search search_;
};

bool contains(Heap& heap, std::string_view text, std::string_view wanted);

}  // namespace longhand::jinja
