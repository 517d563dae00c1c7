// Which tokens a grammar allows next.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/grammar/grammar_matcher.h"
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
  struct Entry {
    Token id;
    std::uint32_t offset, length;  // of its bytes in text_
    std::uint32_t shared;          // bytes that are the same as those of the entry before
  };

  std::string_view piece(const Entry& entry) const {
    return std::string_view(text_).substr(entry.offset, entry.length);
  }
  void sort_vocabulary();
  State walk(State state, std::string_view bytes);
  State after(Token token);
  void start_work();

  TokenTable tokens_;
  GrammarMatcher matcher_;
  State state_;
  std::string text_;            // bytes of all tokens
  std::vector<Entry> entries_;  // by bytes, so that common beginnings are walked once; made when first needed
};

}  // namespace longhand
