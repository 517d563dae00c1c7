// What a perplexity run adds up: losses of tokens, by chunk and by position.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/longhand.h"

namespace longhand::cli {

/// How one row of logits met the token that really followed.
struct TokenScore {
  double loss = 0;  // -ln p(token)
  Token best = 0;   // the most likely token
};

/// `logits` (vocab). Throws Error (nonfinite) when they are no distribution.
TokenScore score_token(std::span<const float> logits, Token next);

/// Mean of losses and the standard error of that mean.
class MeanLoss {
 public:
  void add(double loss);
  std::int64_t count() const noexcept { return count_; }
  double mean() const noexcept;
  double standard_error() const noexcept;
  double perplexity() const noexcept;
  /// Of the perplexity, to first order: perplexity x standard error of the loss.
  double perplexity_error() const noexcept;

 private:
  std::int64_t count_ = 0;
  double sum_ = 0, squares_ = 0;
};

/// Losses of the tokens at positions [from, to) of their chunks.
struct PositionBucket {
  int from = 0, to = 0;
  MeanLoss loss;
};

/// Buckets of `width` positions that cover 1 .. context - 1; the first token of a chunk is given, not
/// predicted.
std::vector<PositionBucket> position_buckets(int context, int width);

}  // namespace longhand::cli
