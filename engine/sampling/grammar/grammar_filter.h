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
#include "engine/sampling/grammar/trigger_watch.h"
#include "engine/sampling/token_table.h"

namespace longhand {

/// Tokens that end generation are allowed where the grammar can end; then it begins anew, for the
/// next answer. Until a trigger is found in the text every token is allowed, except one that holds the
/// trigger and behind it what the grammar refuses. All functions may throw Error (grammar) as
/// GrammarMatcher::step does, and then have changed nothing.
class GrammarFilter {
 public:
  GrammarFilter(std::string_view gbnf, const TokenTable& tokens, GrammarTrigger trigger = {});

  bool allows(Token token);
  /// `token` must be allowed; after any other one nothing is.
  void accept(Token token);
  /// logits (vocab) of tokens that are not allowed become -inf.
  void mask(std::span<float> logits);
  void reset() noexcept { begin_text(watch_.trigger().begins_quiet); }
  /// Another text begins, in that part of GrammarTrigger::quiet.
  void begin_text(int quiet) noexcept;

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
  std::string watched(Token token) const;
  bool allows_while_waiting(Token token);
  void start_work();

  TokenTable tokens_;
  GrammarMatcher matcher_;
  State state_;
  TriggerWatch watch_;
  TriggerWatch::State seen_;  // before the trigger
  bool waiting_ = false;
  std::optional<Vocabulary> vocabulary_;
  std::unordered_map<State, TokenBits> masks_;  // by settled state
};

}  // namespace longhand
