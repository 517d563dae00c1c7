#include "cli/measure/kl_stats.h"

#include <algorithm>
#include <cmath>

namespace longhand::cli {

void KlStats::add(std::span<const double> base, std::span<const float> logits, Token next) {
  const auto best = std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double{logit} - double{*best});
  const double norm = double{*best} + std::log(sum);

  // KL(base || compared) = sum p (ln p - ln q)
  double divergence = 0;
  for (std::size_t i = 0; i < base.size(); ++i) {
    if (std::isinf(logits[i])) continue;  // a token this model never writes; the base gave it e^-25 at most
    divergence += std::exp(base[i]) * (base[i] - (double{logits[i]} - norm));
  }
  divergence_.push_back(std::max(0.0, divergence));  // rounding can take equal rows below
  const auto base_best = std::max_element(base.begin(), base.end());
  same_top_ += (base_best - base.begin()) == (best - logits.begin());

  const auto token = std::size_t(next);
  base_loss_ -= base[token];
  const double change = std::exp(double{logits[token]} - norm) - std::exp(base[token]);
  change_ += change;
  change_squares_ += change * change;
}

double KlStats::mean() const {
  double sum = 0;
  for (const double value : divergence_) sum += value;
  return sum / double(count());
}

double KlStats::standard_error() const {
  if (count() < 2) return 0;
  const auto n = double(count());
  double squares = 0;
  const double middle = mean();
  for (const double value : divergence_) squares += (value - middle) * (value - middle);
  return std::sqrt(squares / (n - 1) / n);
}

double KlStats::quantile(double share) const {
  std::vector<double> sorted = divergence_;
  const auto at = std::size_t(std::lround(share * double(sorted.size() - 1)));
  std::nth_element(sorted.begin(), sorted.begin() + std::ptrdiff_t(at), sorted.end());
  return sorted[at];
}

double KlStats::top_agreement() const { return double(same_top_) / double(count()); }

double KlStats::base_perplexity() const { return std::exp(base_loss_ / double(count())); }

double KlStats::mean_change() const { return change_ / double(count()); }

double KlStats::rms_change() const { return std::sqrt(change_squares_ / double(count())); }

}  // namespace longhand::cli
