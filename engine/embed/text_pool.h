// The hidden states of one text on their way to a vector.
#pragma once

#include <cmath>
#include <span>
#include <vector>

#include "loaders/model/pooling.h"

namespace longhand {

/// Takes the states in order, and gives what the head shall read.
class TextPool {
 public:
  TextPool(PoolingRule rule, std::size_t hidden)
      : rule_(rule), sum_(rule == PoolingRule::mean ? hidden : 0) {}

  void add(std::span<const float> state, std::vector<float>& to) {
    if (rule_ == PoolingRule::none || (rule_ == PoolingRule::first && count_ == 0))
      to.insert(to.end(), state.begin(), state.end());
    for (std::size_t i = 0; i < sum_.size(); ++i) sum_[i] += double(state[i]);
    ++count_;
  }
  /// `last` is the state that was added last.
  void finish(std::span<const float> last, std::vector<float>& to) const {
    if (rule_ == PoolingRule::last) to.insert(to.end(), last.begin(), last.end());
    for (const double sum : sum_) to.push_back(float(sum / count_));
  }

 private:
  PoolingRule rule_;
  std::vector<double> sum_;  // (hidden) of means
  int count_ = 0;
};

/// Scales a vector to length 1; one of zeros stays.
inline void normalize(std::span<float> vector) noexcept {
  double squares = 0;
  for (const float x : vector) squares += double(x) * double(x);
  if (squares == 0) return;
  const double scale = 1 / std::sqrt(squares);
  for (float& x : vector) x = float(double(x) * scale);
}

}  // namespace longhand
