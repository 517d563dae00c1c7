// DRY ("don't repeat yourself"): penalises the token that would go on repeating an earlier sequence.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/sampling/candidates.h"
#include "engine/types/sampler_options.h"

namespace longhand {

class Dry {
 public:
  /// `piece` gives the bytes of a token.
  Dry(const SamplerOptions& options, std::function<std::string(Token)> piece);

  /// Makes room for push(token), which must follow if anything does. Throws std::bad_alloc.
  void prepare(Token token);
  void push(Token token) noexcept;
  void clear();
  /// If the last n tokens stand earlier too, followed by t, then t loses multiplier * base^(n -
  /// allowed_length), for the greatest n >= allowed_length. Such a sequence never reaches over a breaker.
  void apply(Candidates& candidates) const;

  /// The n above for every token that would go on some repetition. Linear in the tokens looked back at.
  std::unordered_map<Token, int> repeats() const;

 private:
  bool active() const noexcept { return multiplier_ > 0 && last_n_ != 0; }

  float multiplier_, base_;
  int allowed_length_, last_n_;
  std::vector<std::string> breakers_;
  std::function<std::string(Token)> piece_;
  std::vector<Token> history_;
  std::size_t since_breaker_ = 0;  // tokens at the end of history_ in which no breaker ends
  std::string tail_;               // last bytes of the text, as many as a breaker may begin in
  std::string next_tail_;          // with the token prepared
  bool next_breaks_ = false;       // a breaker ends in it
};

}  // namespace longhand
