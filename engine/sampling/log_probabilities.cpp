#include "engine/sampling/log_probabilities.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/sampling/candidates.h"
#include "engine/sampling/portable_exp.h"
#include "engine/types/memory_errors.h"

namespace longhand {
namespace {

// What turns logits into log-probabilities. The largest logit is taken off first: beside a large one the
// logarithm of the sum would be lost.
class LogSoftmax {
 public:
  /// Throws Error (nonfinite).
  explicit LogSoftmax(std::span<const float> logits) {
    float most = -kInfinity;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      if (!(logits[i] < kInfinity))
        throw Error(Errc::nonfinite,
                    fmt::format("logit of token {} is {}, must be finite or -inf", i, logits[i]));
      most = std::max(most, logits[i]);
    }
    if (most == -kInfinity) throw Error(Errc::nonfinite, "all logits are -inf: no token is possible");
    most_ = most;
    double sum = 0;
    for (const float logit : logits) sum += portable_exp(double{logit} - most);
    log_sum_ = std::log(sum);
  }
  float of(float logit) const noexcept { return float(double{logit} - most_ - log_sum_); }

 private:
  static constexpr float kInfinity = std::numeric_limits<float>::infinity();
  double most_, log_sum_;
};

std::vector<TokenProbability> top_of(std::span<const float> logits, const LogSoftmax& probabilities,
                                     int most) {
  std::vector<TokenProbability> top;
  if (most == 0) return top;
  Candidates candidates;
  candidates.load(logits);
  candidates.keep_best(std::size_t(most));
  for (const Candidate& c : candidates.list()) top.push_back({c.id, probabilities.of(c.logit)});
  return top;
}

}  // namespace

std::vector<TokenProbability> top_log_probabilities(std::span<const float> logits, int most) {
  if (most < 0) throw Error(Errc::range, fmt::format("number of tokens is {}, must not be negative", most));
  const LogSoftmax probabilities(logits);
  return translate_memory_errors([&] { return top_of(logits, probabilities, most); });
}

TokenStep token_step(std::span<const float> logits, Token token, int most) {
  const LogSoftmax probabilities(logits);
  TokenStep step;
  step.token = token;
  step.log_probability = probabilities.of(logits[std::size_t(token)]);
  step.top = top_of(logits, probabilities, most);
  return step;
}

float log_probability(std::span<const float> logits, Token token) {
  if (token < 0 || std::size_t(token) >= logits.size())
    throw Error(Errc::range, fmt::format("token {} must be 0..{}", token, std::int64_t(logits.size()) - 1));
  return LogSoftmax(logits).of(logits[std::size_t(token)]);
}

}  // namespace longhand
