// Tokens of ordinary characters: nearly the whole vocabulary, and what most of a JSON string is written in.
#pragma once

#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/sampling/grammar/token_trie.h"

namespace longhand {

class PlainTokens {
 public:
  /// The characters of `bytes` if all are whole and none is a control character, " or \.
  static std::optional<std::size_t> characters(std::string_view bytes);

  explicit PlainTokens(std::size_t words = 0) : words_(words) {}
  void add(Token id, std::size_t characters);

  /// Adds those that may follow `state`, if the grammar there treats all ordinary characters alike, as
  /// strings do, with bounds of their length or without. False, and nothing is added, if it does not. Throws
  /// as GrammarMatcher::step does.
  bool add_followed(GrammarMatcher& matcher, GrammarMatcher::State state, std::uint32_t horizon,
                    TokenBits& bits);
  /// Must be called when the matcher forgets.
  void forget() noexcept { next_.clear(); }

 private:
  using State = GrammarMatcher::State;
  std::optional<State> next_of(GrammarMatcher& matcher, State state);

  std::size_t words_;
  std::vector<TokenBits> by_characters_;        // [n]: of n characters
  std::map<State, std::optional<State>> next_;  // after any one ordinary character, where that is one state
};

}  // namespace longhand
