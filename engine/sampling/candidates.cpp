#include "engine/sampling/candidates.h"

namespace longhand {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::size_t kBlock =
    32;  // logits tested together; any fixed power of two lets compilers use vectors

template <class Test>
bool any_of_block(const float* x, Test test) {
  int hits = 0;
  for (std::size_t i = 0; i < kBlock; ++i) hits |= test(x[i]) ? 1 : 0;
  return hits != 0;
}

}  // namespace

std::optional<Token> Candidates::load(std::span<const float> logits) {
  dense_ = true;
  sorted_ = false;
  logits_.assign(logits.begin(), logits.end());
  const auto bad = [](float x) { return !(x < kInfinity); };  // NaN compares false
  std::size_t i = 0;
  while (i + kBlock <= logits_.size() && !any_of_block(&logits_[i], bad)) i += kBlock;
  const auto found = std::find_if(logits_.begin() + std::ptrdiff_t(i), logits_.end(), bad);
  if (found == logits_.end()) return std::nullopt;
  return Token(found - logits_.begin());
}

std::vector<Candidate>& Candidates::list() {
  if (dense_) keep_above(-std::numeric_limits<float>::max());
  return list_;
}

std::optional<Candidate> Candidates::best() const {
  if (dense_) {
    // Few blocks hold a new best one; of equals the first stays.
    Candidate best{0, -kInfinity};
    const auto consider = [&](std::size_t i) {
      if (logits_[i] > best.logit) best = {Token(i), logits_[i]};
    };
    std::size_t i = 0;
    for (; i + kBlock <= logits_.size(); i += kBlock) {
      const float most = best.logit;
      if (!any_of_block(&logits_[i], [most](float x) { return x > most; })) continue;
      for (std::size_t j = i; j < i + kBlock; ++j) consider(j);
    }
    for (; i < logits_.size(); ++i) consider(i);
    if (best.logit == -kInfinity) return std::nullopt;
    return best;
  }
  const auto top = sorted_ ? list_.begin() : std::min_element(list_.begin(), list_.end(), better);
  if (top == list_.end() || top->logit == -kInfinity) return std::nullopt;
  return *top;
}

// Scans once, holding at most 2 * count + kBlock candidates: whenever so many have passed the threshold, the
// best `count` of them stay and the worst of these is the next threshold. Of equals the earlier id wins, so
// "greater" is the right test. Few blocks hold a logit above the threshold after the first thousands.
void Candidates::select_from_dense(std::size_t count) {
  list_.clear();
  const std::size_t limit = 2 * count + kBlock;
  float threshold = -kInfinity;
  const auto consider = [&](std::size_t i) {
    if (logits_[i] > threshold) list_.push_back({Token(i), logits_[i]});
  };
  const auto nth = std::ptrdiff_t(count) - 1;
  std::size_t i = 0;
  for (; i + kBlock <= logits_.size(); i += kBlock) {
    if (!any_of_block(&logits_[i], [&](float x) { return x > threshold; })) continue;
    for (std::size_t j = i; j < i + kBlock; ++j) consider(j);
    if (list_.size() < limit) continue;
    std::nth_element(list_.begin(), list_.begin() + nth, list_.end(), better);
    list_.resize(count);
    threshold = list_.back().logit;
  }
  for (; i < logits_.size(); ++i) consider(i);
  dense_ = false;
}

void Candidates::keep_best(std::size_t count) {
  const std::size_t available = dense_ ? logits_.size() : list_.size();
  count = std::min(count, available);
  if (dense_ && count > 0 && count < available) select_from_dense(count);
  std::vector<Candidate>& all = list();
  count = std::min(count, all.size());
  if (!sorted_) { std::partial_sort(all.begin(), all.begin() + std::ptrdiff_t(count), all.end(), better); }
  all.resize(count);
  sorted_ = true;
}

void Candidates::keep_above(float threshold, std::size_t min_keep) {
  threshold = std::max(threshold, -std::numeric_limits<float>::max());
  if (dense_) {
    const auto above = [&](float x) { return x >= threshold; };
    if (min_keep > std::size_t(std::count_if(logits_.begin(), logits_.end(), above))) {
      return keep_best(min_keep);
    }
    list_.clear();
    for (std::size_t i = 0; i < logits_.size(); ++i) {
      if (above(logits_[i])) list_.push_back({Token(i), logits_[i]});
    }
    dense_ = false;
    return;
  }
  const auto above = [&](const Candidate& c) { return c.logit >= threshold; };
  if (min_keep > std::size_t(std::count_if(list_.begin(), list_.end(), above))) {
    return keep_best(min_keep);
  }
  std::erase_if(list_, [&](const Candidate& c) { return !above(c); });
}

Softmax::Softmax(std::span<const Candidate> list) {
  for (const Candidate& c : list) max_ = std::max(max_, double{c.logit});
  double offsets = 0.0;
  for (const Candidate& c : list) {
    const double w = weight(c);
    if (w <= 0) continue;  // 0 * -inf is no number
    total_ += w;
    offsets += w * (c.logit - max_);
  }
  mean_offset_ = offsets / total_;
}

}  // namespace longhand
