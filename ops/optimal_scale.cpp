#include "ops/optimal_scale.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ops/error.h"

namespace longhand {
namespace {

// The cumulant generating function ln E[e^(a s)] of a score, and its first derivative.
struct Cumulant {
  double value = 0, slope = 0;
};

Cumulant normal_cumulant(double a) { return {a * a / 2, a}; }

// E[e^(a s)] for density (1 - s^2)^((d-3)/2) is the series sum_k (a^2/4)^k / (k! (d/2)_k). All terms are
// positive. Relative to the largest one none overflows, and what is 1e-18 of it no longer counts. The slope
// is 2/a times the mean of k under these terms.
Cumulant cosine_cumulant(double a, int d) {
  if (a == 0) return {};
  const double q = a * a / 4, half = d / 2.0;
  // The largest term, where consecutive ones are equal: q = (k + 1)(half + k).
  const double peak = std::floor(std::max(0.0, (std::sqrt((half - 1) * (half - 1) + 4 * q) - half - 1) / 2));
  const double log_peak =
      peak * std::log(q) - std::lgamma(peak + 1) - std::lgamma(half + peak) + std::lgamma(half);
  constexpr double kNegligible = 1e-18;
  double sum = 1, moment = peak, term = 1;
  for (double k = peak; (term *= q / ((k + 1) * (half + k))) > kNegligible; ++k) {
    sum += term;
    moment += term * (k + 1);
  }
  term = 1;
  for (double k = peak; k > 0 && (term *= k * (half + k - 1) / q) > kNegligible; --k) {
    sum += term;
    moment += term * (k - 1);
  }
  return {log_peak + std::log(sum), 2 / a * moment / sum};
}

Cumulant cumulant(double a, int d, ScoreDistribution distribution) {
  return distribution == ScoreDistribution::normal ? normal_cumulant(a) : cosine_cumulant(a, d);
}

// With many keys sum p_i^2 becomes R/n, R = E[e^(2as)] / E[e^(as)]^2, and a (1 - R/n) is largest where
// R + a R' = n. This is the logarithm of the left side; it starts at 0 and grows for ever.
double log_demand(double a, int d, ScoreDistribution distribution) {
  const Cumulant one = cumulant(a, d, distribution), two = cumulant(2 * a, d, distribution);
  return two.value - 2 * one.value + std::log1p(2 * a * (two.slope - one.slope));
}

}  // namespace

double optimal_scale(double n, int d, ScoreDistribution distribution) {
  if (!(n >= 1 && n <= 1e12)) { throw Error(Errc::range, fmt::format("length is {}, must be 1..1e12", n)); }
  if (distribution == ScoreDistribution::cosine && (d < 8 || d > (1 << 20))) {
    throw Error(Errc::range, fmt::format("head size is {}, must be 8..1048576", d));
  }
  const double target = std::log(n);
  double low = 0, high = 1;
  while (log_demand(high, d, distribution) < target) high *= 2;
  for (int step = 0; step < 60; ++step) {
    const double middle = (low + high) / 2;
    (log_demand(middle, d, distribution) < target ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace longhand
