// Regular expressions that find all their matches in linear time: a table-driven deterministic automaton.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/text/regex_program.h"
#include "engine/text/unicode.h"

namespace longhand {

/// Immutable. Matches are those of a backtracking engine: leftmost, and of the alternatives the
/// first that fits.
class Regex {
 public:
  explicit Regex(std::string_view pattern);

  /// Calls emit(piece) for every match and for every gap between matches, in order; the pieces make up
  /// `text`. Bytes that are no UTF-8 count as U+FFFD.
  template <class Emit>
  void split(std::string_view text, Emit&& emit) const {
    DeadEnd dead_end;
    std::size_t gap = 0;
    for (std::size_t at = 0; at < text.size();) {
      // Most characters begin no match of most expressions.
      const Decoded first = decode_utf8(text, at);
      const std::size_t end = can_begin(first.code) ? match_end(text, at, dead_end) : at;
      if (end == at) {
        at += first.length;
        continue;
      }
      if (gap < at) emit(text.substr(gap, at - gap));
      emit(text.substr(at, end - at));
      gap = at = end;
    }
    if (gap < text.size()) emit(text.substr(gap));
  }

 private:
  using State = std::uint32_t;
  static constexpr State kDead = 0, kStart = 1;

  /// What keeps repeated searches linear. \s+$ runs over all of a long row of spaces only to fail, and
  /// would do so again from the next space. But an automaton that comes to a place in the state an
  /// earlier run was in there has the same fate; it is enough to remember the last stretch an
  /// unsuccessful run spent in one state.
  struct DeadEnd {
    State state = kDead;
    std::size_t from = 1, to = 0;  // byte positions, inclusive
  };

  /// End of the match that begins at `at`; `at` if there is none.
  std::size_t match_end(std::string_view text, std::size_t at, DeadEnd& dead_end) const noexcept;

  std::size_t class_of(char32_t code) const noexcept {
    return code < 0x80 ? ascii_[code] : pages_[page_of_[code / kPage] * kPage + code % kPage];
  }
  bool can_begin(char32_t code) const noexcept {
    return table_[kStart * (classes_ + 1) + class_of(code)] >= 2;  // leads on from the start
  }
  void number_classes(const RegexProgram& program, std::vector<std::uint64_t>& members);
  void build_states(const RegexProgram& program, const std::vector<std::uint64_t>& members);

  static constexpr std::size_t kPage = 256;
  std::array<std::uint8_t, 128> ascii_{};
  std::vector<std::uint16_t> page_of_;  // ((kLastCodePoint + 1) / kPage)
  std::vector<std::uint8_t> pages_;     // (pages, kPage) class of each character; equal pages are shared
  std::size_t classes_ = 0;             // without the end of the text, which is class number classes_
  // (states, classes_ + 1): following state * 2, plus 1 if a match ends before the character.
  std::vector<std::uint32_t> table_;
};

}  // namespace longhand
