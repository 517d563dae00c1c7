// Grammars in GBNF, compiled to a context-free grammar over bytes.
//
// Tokens may end in the middle of a character, so the terminals are sets of bytes: a character class becomes
// the alternatives of its UTF-8 encodings. Groups and repetitions become rules of their own.
#pragma once

#include <bitset>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/sampling/token_table.h"

namespace longhand {

using ByteSet = std::bitset<256>;

struct Symbol {
  enum class Kind : std::uint32_t {
    end,        // of an alternative
    bytes,      // one byte of byte_sets[value]
    rule,       // rules[value]
    token,      // the whole token `value`
    not_token,  // any whole token but `value`
    repeat,     // repeats[value]
  };
  Kind kind = Kind::end;
  std::uint32_t value = 0;
  auto operator<=>(const Symbol&) const = default;
};

inline constexpr std::uint32_t kNoLimit = 0xFFFFFFFF;

struct Grammar {
  struct Rule {
    std::vector<std::uint32_t> alternatives;  // where each starts in `symbols`
    std::uint32_t name = 0;  // names[name]: of the rule itself or of the one it was written in
    bool generated = false;  // stands for a group, a repetition or a class
  };
  /// A rule min to max times, counted while a text is followed; max may be kNoLimit.
  struct Repeat {
    std::uint32_t rule = 0, min = 0, max = 0;
  };
  std::vector<Symbol> symbols;  // alternatives one after another, each closed by `end`
  std::vector<Rule> rules;
  std::vector<Repeat> repeats;
  std::vector<ByteSet> byte_sets;
  std::vector<std::string> names;
  std::uint32_t root = 0;
};

/// Reads GBNF: rules `name ::= a | b`, "literals" with \n \r \t \b \f \v \\ \" \[ \] \xHH \uHHHH \UHHHHHHHH,
/// [classes] and [^classes], `.`, (groups), * + ? {m} {m,} {,n} {m,n}, <[id]> or <text> for one token and
/// !<...> for any other one, # comments. `root` is where it starts. A byte order mark before it is passed
/// over.
///
/// `tokens` is what token literals refer to; without it they are refused.
/// Throws Error (grammar) naming the line for malformed text, unknown or duplicate rules, left recursion, and
/// grammars beyond the limits below. Its time is linear in the text and the limits.
Grammar parse_gbnf(std::string_view text, const TokenTable* tokens = nullptr);

inline constexpr std::size_t kMaxGrammarBytes = 4u << 20;
inline constexpr std::size_t kMaxGrammarSymbols = 1u << 19;
inline constexpr int kMaxGrammarDepth = 128;           // of groups in groups
inline constexpr int kMaxGrammarLeftmostRules = 1024;  // a chain of rules, each beginning the one before

/// Throws Error (grammar) if a rule can begin with itself or such a chain is too long.
void check_recursion(const Grammar& grammar);

/// Takes out what no text completes. A root without alternatives is left where no text is accepted.
void prune(Grammar& grammar);

}  // namespace longhand
