// How far one model's predictions are from another's.
#pragma once

#include <span>
#include <vector>

#include "engine/longhand.h"

namespace longhand::cli {

class KlStats {
 public:
  /// One position: the base's ln p (vocab), the logits (vocab) compared with it, and the token that followed.
  void add(std::span<const double> base, std::span<const float> logits, Token next);

  std::size_t count() const noexcept { return divergence_.size(); }
  double mean() const;
  double standard_error() const;
  /// Of the divergences; `share` within 0..1: 0.5 is the median.
  double quantile(double share) const;
  /// Share of positions where both find the same token most likely.
  double top_agreement() const;
  double base_perplexity() const;
  /// Mean and root mean square of the change of the probability of the token that followed.
  double mean_change() const;
  double rms_change() const;

 private:
  std::vector<double> divergence_;
  std::size_t same_top_ = 0;
  double base_loss_ = 0, change_ = 0, change_squares_ = 0;
};

}  // namespace longhand::cli
