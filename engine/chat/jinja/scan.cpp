#include "engine/chat/jinja/scan.h"

#include <cstring>

namespace longhand::jinja {

std::size_t char_count(Heap& heap, std::string_view text) {
  heap.read(text.size());
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); at += char_length(text, at)) ++count;
  return count;
}

std::size_t char_offset(Heap& heap, std::string_view text, std::size_t index) {
  std::size_t at = 0;
  while (index > 0 && at < text.size()) {
    at += char_length(text, at);
    --index;
  }
  heap.read(at);
  return at;
}

bool equal_text(Heap& heap, std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  heap.compare(a.size());
  return a == b;
}

bool starts_with(Heap& heap, std::string_view text, std::string_view prefix) {
  if (prefix.size() > text.size()) return false;
  heap.compare(prefix.size());
  return text.starts_with(prefix);
}

bool ends_with(Heap& heap, std::string_view text, std::string_view suffix) {
  if (suffix.size() > text.size()) return false;
  heap.compare(suffix.size());
  return text.ends_with(suffix);
}

Search::Search(Heap& heap, std::string_view text, std::string_view wanted)
    : heap_(heap), text_(text), wanted_(wanted) {
  heap.read(text.size());  // all calls of find() together, as long as each goes on where the last one stopped
}

std::size_t Search::find(std::size_t from) {
  if (from > text_.size() || wanted_.size() > text_.size() - from) return std::string_view::npos;
  heap_.step();
  heap_.read(wanted_.size());  // which memmem() studies anew each time
  // std::string_view::find is quadratic, and so is std::boyer_moore_searcher. memmem() is linear: two-way
  // above 256 bytes, below that a comparison of so few bytes at most for each byte of the text.
  const void* hit = ::memmem(text_.data() + from, text_.size() - from, wanted_.data(), wanted_.size());
  if (hit == nullptr) return std::string_view::npos;
  return std::size_t(static_cast<const char*>(hit) - text_.data());
}

namespace {

std::string mirrored(Heap& heap, std::string_view text) {
  heap.read(text.size());
  return {text.rbegin(), text.rend()};
}

}  // namespace

BackwardSearch::BackwardSearch(Heap& heap, std::string_view text, std::string_view wanted)
    : text_(mirrored(heap, text)), wanted_(mirrored(heap, wanted)), search_(heap, text_, wanted_) {}

std::size_t BackwardSearch::find(std::size_t end) {
  const std::size_t hit = search_.find(text_.size() - end);
  return hit == std::string_view::npos ? hit : text_.size() - hit - wanted_.size();
}

bool contains(Heap& heap, std::string_view text, std::string_view wanted) {
  return Search(heap, text, wanted).find() != std::string_view::npos;
}

}  // namespace longhand::jinja
