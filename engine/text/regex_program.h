// Regular expressions of pre-tokenizers, parsed into a program for a nondeterministic automaton.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/text/code_set.h"

namespace longhand {

/// What is understood: literals, [classes] with ranges, ^ and &&[...], \p{L} \P{L} \p{Han} \s \S \d \r \n \t
/// \x{41}, groups (a|b) and (?:a|b), greedy ? * + {n} {n,m}, the look-ahead (?!C) for one class C, and $ at
/// the end. %C, %G and %T stand for pieces many expressions share; see regex_program.cpp.
struct RegexProgram {
  enum class Op : std::uint8_t {
    take,    // one character of sets[arg], then `next`
    refuse,  // `next` unless a character of sets[arg] follows
    at_end,  // `next` if the text ends here
    fork,    // `next`, or with lower priority `other`
    match
  };
  struct Step {
    Op op;
    std::uint32_t arg = 0, next = 0, other = 0;
  };
  std::vector<Step> steps;
  std::vector<CodeSet> sets;
  std::uint32_t start = 0;
};

/// Throws std::invalid_argument on what is not understood: patterns are part of this library, not user data.
RegexProgram parse_regex(std::string_view pattern);

}  // namespace longhand
