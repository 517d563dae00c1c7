// The filters of the chain: each takes the candidates and leaves fewer, or other logits.
//
// "Probability" is always that of the candidates a stage is given, not of the whole vocabulary. Every filter
// keeps at least one candidate, and at least `min_keep` where it has that parameter and so many are there.
#pragma once

#include <cstddef>

#include "engine/sampling/candidates.h"
#include "ops/random.h"

namespace longhand {

/// Keeps the k most likely, sorted.
void top_k(Candidates& candidates, std::size_t k);

/// Keeps the smallest set of the most likely whose probability is at least p.
void top_p(Candidates& candidates, double p, std::size_t min_keep);

/// Keeps what is at least p times as likely as the most likely.
void min_p(Candidates& candidates, double p, std::size_t min_keep);

/// Keeps the candidates whose surprise is nearest the mean surprise, up to probability p.
void typical_p(Candidates& candidates, double p, std::size_t min_keep);

/// Keeps the logits no more than n standard deviations below the largest.
void top_n_sigma(Candidates& candidates, double n);

/// Exclude top choices: with `probability`, of those at least `threshold` likely only the least likely stays.
struct XtcOptions {
  double probability;
  double threshold;
  std::size_t min_keep;
};
void xtc(Candidates& candidates, const XtcOptions& options, Random& random);

/// Divides logits by a temperature > 0; with a range > 0 by one from temperature -/+ range, which grows with
/// the entropy of the candidates: (entropy / greatest possible entropy)^exponent of the way.
struct TemperatureOptions {
  double temperature;
  double range = 0.0;
  double exponent = 1.0;
};
void temperature(Candidates& candidates, const TemperatureOptions& options);

/// A candidate with the probability its logit gives it. The list must not be empty.
Candidate draw(Candidates& candidates, Random& random);

}  // namespace longhand
