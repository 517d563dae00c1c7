#include "engine/sampling/penalties.h"

#include <utility>

namespace longhand {

Penalties::Penalties(const SamplerOptions& options)
    : last_n_(options.penalty_last_n),
      repeat_(options.repeat_penalty),
      frequency_(options.frequency_penalty),
      presence_(options.presence_penalty) {}

bool Penalties::active() const noexcept {
  return last_n_ != 0 && (repeat_ != 1.0f || frequency_ != 0.0f || presence_ != 0.0f);
}

void Penalties::prepare(Token token) {
  if (!active()) return;
  counts_.try_emplace(token, 0);
  if (last_n_ > 0 && window_.size() == window_.capacity()) window_.reserve(2 * window_.size() + 16);
}

void Penalties::push(Token token) noexcept {
  if (!active()) return;
  ++counts_.find(token)->second;
  if (last_n_ < 0) return;  // nothing ever leaves
  const auto most = std::size_t(last_n_);
  if (window_.size() < most) {
    window_.push_back(token);
    return;
  }
  const Token leaves = std::exchange(window_[oldest_], token);
  if (const auto count = counts_.find(leaves); --count->second == 0) counts_.erase(count);
  oldest_ = (oldest_ + 1) % most;
}

void Penalties::clear() {
  window_.clear();
  oldest_ = 0;
  counts_.clear();
}

void Penalties::apply(Candidates& candidates) const {
  if (!active()) return;
  candidates.adjust(counts_, [this](float logit, int count) {
    if (count == 0) return logit;
    const float repeated = logit > 0 ? logit / repeat_ : logit * repeat_;
    return repeated - float(count) * frequency_ - presence_;
  });
}

}  // namespace longhand
