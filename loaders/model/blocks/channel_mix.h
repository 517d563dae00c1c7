// The feed-forward network of RWKV, which mixes each token with the one before it.
#pragma once

#include "loaders/model/blocks/recurrent.h"

namespace longhand {

/// With k = x + (previous x - x) lerp_k and r likewise: value(relu(key(k))^2), times sigmoid(receptance(r))
/// in files that have it. What it remembers, the previous x, is a convolution's input.
struct ChannelMixPlan : RecurrentPlan {
  int ff = 0;
  bool gated = false;
  const float *lerp_k = nullptr, *lerp_r = nullptr;  // (hidden)
  Linear key;                                        // (ff, hidden)
  Linear value;                                      // (hidden, ff)
  Linear receptance;                                 // (hidden, hidden)

  std::int64_t state_values() const noexcept { return 0; }
};

template <PlanOf<ChannelMixPlan> Plan, class Walk>
void walk_slots(Plan& p, Walk& walk) {
  walk.vector({"channel_mix_lerp_k", p.hidden}, p.lerp_k);
  walk.linear({"channel_mix_key", p.ff, p.hidden, Need::required, MatrixRole::ffn, Split::outputs}, p.key);
  walk.linear({"channel_mix_value", p.hidden, p.ff, Need::required, MatrixRole::ffn_down, Split::inputs},
              p.value);
  if (!p.gated) return;
  walk.vector({"channel_mix_lerp_r", p.hidden}, p.lerp_r);
  walk.linear({"channel_mix_receptance", p.hidden, p.hidden, Need::required, MatrixRole::ffn, Split::outputs},
              p.receptance);
}

}  // namespace longhand
