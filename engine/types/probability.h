// How likely a model holds tokens to be.
#pragma once

#include <span>
#include <vector>

#include "engine/types/token.h"
#include "ops/error.h"

namespace longhand {

struct TokenProbability {
  Token token = 0;
  float log_probability = 0;  ///< natural logarithm, at most 0
};

/// A token as it was drawn. Probabilities are the model's own, softmax(logits): no temperature, filter,
/// penalty or grammar of the sampler is in them.
struct TokenStep : TokenProbability {
  std::vector<TokenProbability> top = {};  ///< the likeliest tokens, best first
};

/// The `most` likeliest tokens under `logits` (vocab), best first, equal ones by id; fewer where all others
/// are impossible (-inf). Throws Error: range (most < 0), nonfinite (a logit is NaN or +inf, or all are
/// -inf).
LONGHAND_API std::vector<TokenProbability> top_log_probabilities(std::span<const float> logits, int most);
/// The natural logarithm of the probability of `token` under `logits` (vocab); -inf for an impossible one.
/// Throws Error: range (no such token), nonfinite.
LONGHAND_API float log_probability(std::span<const float> logits, Token token);

}  // namespace longhand
