// The tokens still in the running while a token is chosen.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "engine/sampling/portable_exp.h"
#include "loaders/vocab/vocab.h"

namespace longhand {

struct Candidate {
  Token id;
  float logit;
};

/// Best first; equal logits by ascending id. Being total, it makes every selection unique.
inline bool better(const Candidate& a, const Candidate& b) noexcept {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

/// A changed logit, kept finite: overflow must read neither as certainty nor as a ban.
inline float saturate(float logit) noexcept {
  constexpr float kMax = std::numeric_limits<float>::max();
  return std::clamp(logit, -kMax, kMax);
}

/// Out of a float's range the infinity of that sign; a plain cast is undefined there.
inline float to_float(double x) noexcept {
  constexpr double kMax = std::numeric_limits<float>::max();
  return x > kMax    ? std::numeric_limits<float>::infinity()
         : x < -kMax ? -std::numeric_limits<float>::infinity()
                     : float(x);
}

/// Starts dense, the logit of token i at i: penalties then touch single tokens, and top-k selects from
/// it without a list of the whole vocabulary ever being written. The first stage that needs a list turns
/// it into one.
///
/// The order of the list depends on its contents alone (by id, or best first), never on how a standard
/// library partitions; sums over it are therefore the same everywhere.
class Candidates {
 public:
  /// Takes all of `logits` (vocab). Returns the first id whose logit is NaN or +inf, if any.
  std::optional<Token> load(std::span<const float> logits);

  bool dense() const noexcept { return dense_; }
  /// (vocab) while dense.
  std::span<float> logits() noexcept { return logits_; }
  /// All candidates that are not -inf.
  std::vector<Candidate>& list();

  /// The best one, lowest id first; nothing if all are -inf.
  std::optional<Candidate> best() const;
  /// Keeps the `count` best, sorted.
  void keep_best(std::size_t count);
  /// Keeps the finite logits >= threshold, at least `min_keep` of them.
  void keep_above(float threshold, std::size_t min_keep = 0);

  /// logit = change(logit, value) for each token of `values`, a map from token to value. -inf stays.
  template <class Map, class Change>
  void adjust(const Map& values, Change change) {
    constexpr float kBanned = -std::numeric_limits<float>::infinity();
    if (dense_) {
      for (const auto& [id, value] : values) {
        float& logit = logits_[std::size_t(id)];
        if (logit != kBanned) logit = saturate(change(logit, value));
      }
      return;
    }
    for (Candidate& c : list_) {
      if (const auto found = values.find(c.id); found != values.end() && c.logit != kBanned) {
        c.logit = saturate(change(c.logit, found->second));
        sorted_ = false;
      }
    }
  }

 private:
  void select_from_dense(std::size_t count);

  std::vector<float> logits_;    // (vocab)
  std::vector<Candidate> list_;  // valid once not dense
  bool dense_ = true;
  bool sorted_ = false;  // list_ is best first
};

/// Probabilities of a list: those of its logits relative to the largest.
class Softmax {
 public:
  explicit Softmax(std::span<const Candidate> list);
  double weight(const Candidate& c) const noexcept { return portable_exp(double{c.logit} - max_); }
  double probability(const Candidate& c) const noexcept { return weight(c) / total_; }
  /// Expected distance of a logit from the largest; <= 0.
  double mean_offset() const noexcept { return mean_offset_; }
  double max() const noexcept { return max_; }
  double total() const noexcept { return total_; }  // of the weights; >= 1 unless the list is empty

 private:
  double max_ = -std::numeric_limits<double>::infinity();
  double total_ = 0.0;
  double mean_offset_ = 0.0;
};

}  // namespace longhand
