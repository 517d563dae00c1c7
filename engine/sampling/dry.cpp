#include "engine/sampling/dry.h"

#include <cmath>

namespace longhand {

Dry::Dry(const SamplerOptions& options, std::function<std::string(Token)> piece)
    : multiplier_(options.dry_multiplier),
      base_(options.dry_base),
      allowed_length_(options.dry_allowed_length),
      last_n_(options.dry_penalty_last_n),
      breakers_(options.dry_breakers),
      piece_(std::move(piece)) {
  std::erase(breakers_, std::string());
}

// Breakers are found in the text, so it does not matter how it is cut into tokens.
void Dry::prepare(Token token) {
  if (!active()) return;
  if (history_.size() == history_.capacity()) history_.reserve(2 * history_.size() + 16);
  const std::size_t old = tail_.size();
  next_tail_ = tail_ + piece_(token);
  next_breaks_ = false;
  std::size_t longest = 1;
  for (const std::string& breaker : breakers_) {
    const std::size_t from = old < breaker.size() ? 0 : old - breaker.size() + 1;
    next_breaks_ = next_breaks_ || next_tail_.find(breaker, from) != std::string::npos;
    longest = std::max(longest, breaker.size());
  }
  if (next_tail_.size() >= longest) next_tail_.erase(0, next_tail_.size() - (longest - 1));
}

void Dry::push(Token token) noexcept {
  if (!active()) return;
  history_.push_back(token);
  tail_.swap(next_tail_);
  since_breaker_ = next_breaks_ ? 0 : since_breaker_ + 1;
}

void Dry::clear() {
  history_.clear();
  tail_.clear();
  since_breaker_ = 0;
}

// Z-function of the reversed history r: match[i] is the length of the longest common prefix of r and of r
// from i on, that is of what ends now and what ended i tokens ago; r[i - 1] is what followed then.
std::unordered_map<Token, int> Dry::repeats() const {
  std::unordered_map<Token, int> longest;
  const std::size_t n = last_n_ < 0 ? history_.size() : std::min(history_.size(), std::size_t(last_n_));
  const std::size_t limit = std::min(since_breaker_, n);
  const auto allowed = std::size_t(allowed_length_);
  if (limit < allowed || n < 2) return longest;
  const auto r = [&](std::size_t i) { return history_[history_.size() - 1 - i]; };
  std::vector<std::size_t> match(n, 0);
  std::size_t left = 0;
  std::size_t right = 0;  // [left, right): the known match reaching furthest
  for (std::size_t i = 1; i < n; ++i) {
    std::size_t length = i < right ? std::min(right - i, match[i - left]) : 0;
    while (i + length < n && r(length) == r(i + length)) ++length;
    match[i] = length;
    if (i + length > right) {
      left = i;
      right = i + length;
    }
    const std::size_t counted = std::min(length, limit);
    if (counted < allowed || counted == 0) continue;
    int& best = longest[r(i - 1)];
    best = std::max(best, int(counted));
  }
  return longest;
}

void Dry::apply(Candidates& candidates) const {
  if (!active()) return;
  candidates.adjust(repeats(), [this](float logit, int length) {
    return to_float(logit - multiplier_ * std::pow(double{base_}, length - allowed_length_));
  });
}

}  // namespace longhand
