// What each tokenizer.ggml.pre stands for: how text is cut into words before merging. A new one is one row of
// the table in pre_types.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace longhand {

/// One pass over the text. Passes are applied in turn: each cuts further every piece the one before has left,
/// and both its matches and the gaps between them are pieces.
struct SplitPass {
  enum class Kind : std::uint8_t {
    regex,
    digit_groups,          // runs of digits in groups of three counted from the right: 1|234|567
    digit_groups_of_word,  // the same for runs that end a word; others are left alone
    digit_cuts,  // cuts at the same places, but leaves what precedes the run joined to its first group
  };
  std::string_view regex;
  Kind kind = Kind::regex;
};

enum PreFlag : std::uint32_t {
  kIgnoreMerges = 1,  // a word that is a token is that token, whatever the merges say
  kAddBos = 2,        // begin-of-text token unless the file says otherwise
  kKeepSpaces = 4,    // no clean-up of spaces before punctuation in whole-text detokenisation
  kAddSep = 8,
  kEscapeSpaces = 16,  // U+2581 for space
  kRawUtf8 = 32,       // tokens are UTF-8, not bytes mapped to printable characters
  kNoBos = 64,         // the file's begin-of-text token is not to be used
};

struct PreType {
  std::string_view names;  // separated by spaces
  std::uint32_t flags;
  std::span<const SplitPass> passes;
};

/// nullptr if `name` is not known.
const PreType* find_pre_type(std::string_view name) noexcept;
std::span<const PreType> pre_types() noexcept;

}  // namespace longhand
