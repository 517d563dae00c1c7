// Which tokens a grammar allows next.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/sampling/grammar/grammar_matcher.h"
#include "engine/sampling/grammar/plain_tokens.h"
#include "engine/sampling/grammar/token_trie.h"
#include "engine/sampling/token_table.h"

namespace longhand {

/// Tokens that end generation are allowed where the grammar can end; then it begins anew, for the
/// next answer. All functions may throw Error (grammar) as GrammarMatcher::step does, and then
/// have changed nothing.
class GrammarFilter {
 public:
  GrammarFilter(std::string_view gbnf, const TokenTable& tokens);

  bool allows(Token token);
  /// `token` must be allowed; after any other one nothing is.
  void accept(Token token);
  /// logits (vocab) of tokens that are not allowed become -inf.
  void mask(std::span<float> logits);
  void reset() noexcept { state_ = matcher_.start(); }

 private:
  using State = GrammarMatcher::State;
  // Made when first needed.
  struct Vocabulary {
    TokenTrie plain, others;  // tokens of ordinary characters, and all others
    PlainTokens by_length;    // the former again
    std::vector<Token> ends;  // those that end generation
    std::uint32_t longest = 0;
  };

  void read_vocabulary();
  TokenBits followed(State state);
  const TokenBits& known(State state);
  State walk(State state, std::string_view bytes);
  State after(Token token);
  void start_work();

  TokenTable tokens_;
  GrammarMatcher matcher_;
  State state_;
  std::optional<Vocabulary> vocabulary_;
  std::unordered_map<State, TokenBits> masks_;  // by settled state
};

}  // namespace longhand
