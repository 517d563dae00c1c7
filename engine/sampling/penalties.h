// Penalties for tokens that occurred lately.
#pragma once

#include <deque>
#include <span>
#include <unordered_map>

#include "engine/sampling/candidates.h"
#include "engine/sampling/sampler.h"

namespace longhand {

class Penalties {
 public:
  explicit Penalties(const SamplerOptions& options);

  void push(Token token);
  void clear();
  /// repeat divides positive logits and multiplies others; then count * frequency + presence are subtracted.
  void apply(Candidates& candidates) const;

 private:
  bool active() const noexcept;

  int last_n_;  // 0 off, -1 all
  float repeat_, frequency_, presence_;
  std::deque<Token> window_;               // the last last_n_ tokens
  std::unordered_map<Token, int> counts_;  // of the window
};

}  // namespace longhand
