#include "cli/measure/perplexity_score.h"

#include <algorithm>
#include <cmath>

namespace longhand::cli {

TokenScore score_token(std::span<const float> logits, Token next) {
  const auto best = std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double{logit} - double{*best});
  if (!std::isfinite(sum)) throw Error(Errc::nonfinite, "the logits of a token are no numbers");
  const double logit = logits[std::size_t(next)];
  return {std::log(sum) + double{*best} - logit, Token(best - logits.begin())};
}

void MeanLoss::add(double loss) {
  ++count_;
  sum_ += loss;
  squares_ += loss * loss;
}

double MeanLoss::mean() const noexcept { return count_ > 0 ? sum_ / double(count_) : 0; }

double MeanLoss::standard_error() const noexcept {
  if (count_ < 2) return 0;
  const auto n = double(count_);
  return std::sqrt(std::max(0.0, squares_ / n - mean() * mean()) / (n - 1));
}

double MeanLoss::perplexity() const noexcept { return std::exp(mean()); }

double MeanLoss::perplexity_error() const noexcept { return perplexity() * standard_error(); }

std::vector<PositionBucket> position_buckets(int context, int width) {
  std::vector<PositionBucket> buckets;
  for (int from = 0; from < context; from += width) {
    buckets.push_back({std::max(1, from), std::min(from + width, context), {}});
  }
  return buckets;
}

}  // namespace longhand::cli
