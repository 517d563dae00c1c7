// Regular expressions of JSON schemas (ECMA-262), as a tree.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/text/code_points.h"

namespace longhand {

struct Pattern {
  enum class Kind : std::uint8_t {
    sequence,       // all parts, one after another; none: the empty text
    choice,         // one of the parts
    set,            // one character of `set`
    repeat,         // the part min to max times; max may be kNoLimit (grammar.h)
    text_start,     // ^
    text_end,       // $
    word_edge,      // \b
    no_word_edge,   // \B
    look_ahead,     // (?=part)
    no_look_ahead,  // (?!part)
  };
  Kind kind = Kind::sequence;
  std::vector<Pattern> parts{};
  CodePoints set{};  // normalised
  std::uint32_t min = 0, max = 0;
};

/// Knows . [] [^] \d \D \w \W \s \S \b \B \p{} \P{} of general categories, \t \n \r \f \v \0 \cX \xHH \uHHHH
/// \u{H}, groups with and without names, inline flags i, s and u, ^ $ \A \z anywhere, look-ahead, | * + ?
/// {m,n} and lazy forms. Throws Error (grammar) for anything else, such as look-behind and back-references,
/// and where groups nest deeper than 64.
Pattern parse_pattern(std::string_view text);

/// [0-9A-Za-z_]
CodePoints word_characters();

}  // namespace longhand
