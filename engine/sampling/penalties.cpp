#include "engine/sampling/penalties.h"

namespace longhand {

Penalties::Penalties(const SamplerOptions& options)
    : last_n_(options.penalty_last_n),
      repeat_(options.repeat_penalty),
      frequency_(options.frequency_penalty),
      presence_(options.presence_penalty) {}

bool Penalties::active() const noexcept {
  return last_n_ != 0 && (repeat_ != 1.0f || frequency_ != 0.0f || presence_ != 0.0f);
}

void Penalties::push(Token token) {
  if (!active()) return;
  ++counts_[token];
  if (last_n_ < 0) return;  // nothing ever leaves
  window_.push_back(token);
  if (window_.size() <= static_cast<std::size_t>(last_n_)) return;
  const auto oldest = counts_.find(window_.front());
  if (--oldest->second == 0) counts_.erase(oldest);
  window_.pop_front();
}

void Penalties::clear() {
  window_.clear();
  counts_.clear();
}

void Penalties::apply(Candidates& candidates) const {
  if (!active()) return;
  candidates.adjust(counts_, [this](float logit, int count) {
    const float repeated = logit > 0 ? logit / repeat_ : logit * repeat_;
    return repeated - static_cast<float>(count) * frequency_ - presence_;
  });
}

}  // namespace longhand
