// Hyper-connections (Zhu et al. 2024, arXiv 2409.19606), with the mixing of Xie et al. 2025 (arXiv
// 2512.24880): a token has several streams. A block reads a weighted sum of them; what it gives is added to
// each with a gain, after the streams have been mixed with each other (DeepSeek-V4).
#pragma once

#include "loaders/model/slots.h"

namespace longhand {

/// With m = fn(all streams side by side, normalised), C streams X_c and weights
///   a_c = sigmoid(scale_0 m_c + base_c) + epsilon
///   gain_c = 2 sigmoid(scale_1 m_(C + c) + base_(C + c))
///   M = sinkhorn(scale_2 m_(2 C + C from + to) + base): a softmax over `to`, plus epsilon, whose columns
///       (over `from`) and then, in turns, rows and columns are divided by their sums plus epsilon
/// x becomes sum a_c X_c, and X_to the sum over `from` of M[from][to] X_from.
struct HyperMixPlan {
  int hidden = 0, streams = 0;
  int iterations = 1;  // divisions of columns
  float epsilon = 0;
  bool of_network = false;       // it stands before the network, else before what mixes tokens
  NormPlan norm;                 // without weights
  Linear fn;                     // (mixes, streams x hidden)
  const float* base = nullptr;   // (mixes)
  const float* scale = nullptr;  // (3)

  int mixes() const noexcept { return (2 + streams) * streams; }
};

/// How such streams end: x = sum a_c X_c, with a_c as above.
struct HyperEnd {
  int streams = 0;  // 0: the model has none
  float epsilon = 0;
  NormPlan norm;                 // without weights
  Linear fn;                     // (streams, streams x hidden)
  const float* base = nullptr;   // (streams)
  const float* scale = nullptr;  // (1)
};

template <PlanOf<HyperMixPlan> Plan, class Walk>
void walk_slots(Plan& p, Walk& walk) {
  const bool network = p.of_network;
  walk.linear({network ? "hc_ffn_fn" : "hc_attn_fn", p.mixes(), std::int64_t{p.streams} * p.hidden}, p.fn);
  walk.vector({network ? "hc_ffn_base" : "hc_attn_base", p.mixes()}, p.base);
  walk.vector({network ? "hc_ffn_scale" : "hc_attn_scale", 3}, p.scale);
}

}  // namespace longhand
