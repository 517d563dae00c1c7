// Penalties for tokens that occurred lately.
#pragma once

#include <cstddef>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/sampling/candidates.h"
#include "engine/types/sampler_options.h"

namespace longhand {

class Penalties {
 public:
  explicit Penalties(const SamplerOptions& options);

  /// Makes room for one push() of `token`. Throws std::bad_alloc.
  void prepare(Token token);
  void push(Token token) noexcept;
  void clear();
  /// repeat divides positive logits and multiplies others; then count * frequency + presence are subtracted.
  void apply(Candidates& candidates) const;

 private:
  bool active() const noexcept;

  int last_n_;  // 0 off, -1 all
  float repeat_, frequency_, presence_;
  std::vector<Token> window_;              // the last last_n_ tokens, a ring once there are so many
  std::size_t oldest_ = 0;                 // in window_
  std::unordered_map<Token, int> counts_;  // of the window; 0 where a token was prepared and never pushed
};

}  // namespace longhand
