// Mirostat: keeps the surprise of the text (in bits a token) near a target, in place of top-k and the like.
#pragma once

#include "engine/sampling/candidates.h"
#include "engine/types/sampler_options.h"
#include "ops/random.h"

namespace longhand {

class Mirostat {
 public:
  explicit Mirostat(const SamplerOptions& options);

  /// Version 1 estimates the exponent of a Zipf law and keeps as many candidates as that gives the wanted
  /// surprise; version 2 drops candidates that are more surprising than the current bound. Does not learn
  /// yet. The list must not be empty.
  Candidate draw(Candidates& candidates, std::size_t vocab_size, Random& random);
  /// Moves the bound by what the last drawn token taught.
  void commit() noexcept { bound_ = next_bound_; }
  void clear() noexcept { bound_ = next_bound_ = 2.0 * target_; }

  double bound() const noexcept { return bound_; }

 private:
  void keep_zipf(Candidates& candidates, std::size_t vocab_size) const;

  int version_;
  double target_, rate_;
  double bound_, next_bound_;  // largest surprise allowed, bits
};

}  // namespace longhand
