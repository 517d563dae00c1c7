// The probabilities that come with a token.
#pragma once

#include "engine/types/probability.h"

namespace longhand {

/// `token`, drawn under `logits` (vocab), with its probability and the `most` likeliest tokens. Throws Error:
/// nonfinite.
TokenStep token_step(std::span<const float> logits, Token token, int most);

}  // namespace longhand
