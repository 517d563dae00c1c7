// Text that remembers which of its bytes a template wrote and which came from outside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace longhand::jinja {

/// UTF-8 bytes, each of them trusted (written by the template) or not (from messages, tools, documents).
/// Nearly every text is of one kind throughout and then costs no more than a std::string.
class Text {
 public:
  Text() = default;
  explicit Text(std::string bytes, bool trusted = true) : bytes_(std::move(bytes)), first_(trusted) {}

  const std::string& bytes() const noexcept { return bytes_; }
  std::string_view view() const noexcept { return bytes_; }
  std::size_t size() const noexcept { return bytes_.size(); }
  bool empty() const noexcept { return bytes_.empty(); }
  void reserve(std::size_t bytes) { bytes_.reserve(bytes); }

  /// Is the byte at `at` trusted? O(log runs).
  bool trusted(std::size_t at) const noexcept;
  /// Are all bytes trusted?
  bool all_trusted() const noexcept { return bytes_.empty() || (first_ && flips_.empty()); }
  /// Heap bytes held besides the text itself.
  std::size_t mark_bytes() const noexcept { return flips_.size() * sizeof(std::uint32_t); }
  /// Those that bytes [begin, end) need in a text of their own. O(log runs).
  std::size_t mark_bytes(std::size_t begin, std::size_t end) const noexcept;

  void append(std::string_view bytes, bool trusted = true);
  void append(const Text& other) { append(other, 0, other.size()); }
  /// Appends bytes [begin, end) of `other` with their marks.
  void append(const Text& other, std::size_t begin, std::size_t end);
  Text slice(std::size_t begin, std::size_t end) const;
  Text repeated(std::size_t times) const;

  /// The maximal runs of equal trust, in order: for_each(string_view run, bool trusted).
  template <class F>
  void each_run(F&& visit) const {
    std::size_t begin = 0;
    bool trust = first_;
    for (const std::uint32_t flip : flips_) {
      visit(view().substr(begin, flip - begin), trust);
      begin = flip;
      trust = !trust;
    }
    if (begin < size()) visit(view().substr(begin), trust);
  }

 private:
  std::string bytes_;
  std::vector<std::uint32_t> flips_;  // positions, ascending and inside the text, where trust changes
  bool first_ = true;                 // trust of byte 0
};

// UTF-8 by code points, as Python counts. A byte that is no valid UTF-8 counts as one character.

/// Length in bytes (1..4) of the character at `at`; `at` < text.size().
std::size_t char_length(std::string_view text, std::size_t at) noexcept;
/// Code point at `at`, or 0xDC00 + byte for a byte that is no valid UTF-8 (Python's "surrogateescape").
char32_t char_at(std::string_view text, std::size_t at) noexcept;
/// Start of the character that ends at byte `end`; `end` > 0.
std::size_t char_before(std::string_view text, std::size_t end) noexcept;
/// Appends the UTF-8 form of `code` (the raw byte for 0xDC80..0xDCFF).
void append_char(std::string& out, char32_t code);

}  // namespace longhand::jinja
