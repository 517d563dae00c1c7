#include "engine/sampling/mirostat.h"

#include <cmath>

#include "engine/sampling/sampler_stages.h"

namespace longhand {

Mirostat::Mirostat(const SamplerOptions& options)
    : version_(options.mirostat), target_(options.mirostat_tau), rate_(options.mirostat_eta) {
  clear();
}

// p(rank i) ~ i^-s: ln(p_i / p_(i+1)) = s * ln((i + 1) / i). s is the least-squares slope over the best 100,
// and k = ((s - 1) 2^bound / (1 - n^(1 - s)))^(1/s), from the authors' paper (Basu et al. 2021).
void Mirostat::keep_zipf(Candidates& candidates, std::size_t vocab_size) const {
  constexpr std::size_t kRanks = 100;
  Candidates head = candidates;
  head.keep_best(kRanks);
  const std::vector<Candidate>& best = head.list();
  double products = 0.0;
  double squares = 0.0;
  for (std::size_t i = 0; i + 1 < best.size(); ++i) {
    const auto rank = double(i + 1);
    const double step = std::log((rank + 1) / rank);
    products += step * (double{best[i].logit} - best[i + 1].logit);
    squares += step * step;
  }
  if (!(squares > 0) || !(products > 0)) return;
  const double s = products / squares;
  const auto n = double(vocab_size);
  // (s - 1) / (1 - n^(1 - s)) tends to 1 / ln(n) as s tends to 1.
  const double excess = s - 1;
  const double ratio = std::abs(excess) < 1e-9 ? 1 / std::log(n) : excess / (1 - std::pow(n, -excess));
  const double k = std::pow(ratio * std::exp2(bound_), 1 / s);
  if (k < n) candidates.keep_best(std::size_t(std::max(k, 1.0)));
}

Candidate Mirostat::draw(Candidates& candidates, std::size_t vocab_size, Random& random) {
  if (version_ == 1) {
    keep_zipf(candidates, vocab_size);
  } else {
    // -log2(p) <= bound, with ln p = z - max - ln(total).
    const Softmax softmax(candidates.list());
    const double threshold = softmax.max() + std::log(softmax.total()) - bound_ * std::log(2.0);
    candidates.keep_above(to_float(threshold), 1);
  }
  const Candidate drawn = longhand::draw(candidates, random);
  const double surprise = -std::log2(Softmax(candidates.list()).probability(drawn));
  next_bound_ = bound_ - rate_ * (surprise - target_);
  return drawn;
}

}  // namespace longhand
