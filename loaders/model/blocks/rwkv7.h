// Time mixing of RWKV-7 (Peng et al. 2025, arXiv 2503.14456).
#pragma once

#include "loaders/model/blocks/recurrent.h"
#include "ops/kernels.h"

namespace longhand {

/// What a token is mixed to, in the order of files.
enum class Mix7 : std::uint8_t { r, w, k, v, a, g };
inline constexpr int kMixes7 = 6;

/// With x_i = x + (previous x - x) lerp_i: r, k and v are products of theirs, w = exp(-e^-0.5 sigmoid(w0 +
/// w2(tanh(w1(x_w))))) of every channel, a = sigmoid(a0 + a2(a1(x_a))) and g = g2(sigmoid(g1(x_g))). Behind
/// the first block, v moves towards the v of the first by sigmoid(v0 + v2(v1(x_v))). For every head, with c =
/// k k_k scaled to length 1 and k' = k (1 + (a - 1) k_a): M <- diag(w) M + k' v^T - (c a) (c^T M) and y = M^T
/// r; out(( norm(y) + v (r . (k' r_k))) g).
struct TimeMix7Plan : RecurrentPlan {
  int heads = 0, head_dim = 0;
  int decay_rank = 0, rate_rank = 0, value_rank = 0, gate_rank = 0;  // gate_rank 0: no gate
  bool first = false;                                                // its v is the one others move to
  const float* lerp = nullptr;                                       // (6 or, without gate, 5, hidden)
  Linear r, k, v;                                                    // (hidden, hidden)
  Linear w1, w2, a1, a2, v1, v2, g1, g2;                             // (rank, hidden) and (hidden, rank)
  const float *w0 = nullptr, *a0 = nullptr, *v0 = nullptr;           // (hidden)
  const float *k_k = nullptr, *k_a = nullptr, *r_k = nullptr;        // (hidden)
  NormPlan norm;  // (heads, head_dim), over each head; none in some files
  Linear out;     // (hidden, hidden)

  bool gated() const noexcept { return gate_rank > 0; }
  int mixes() const noexcept { return gated() ? kMixes7 : kMixes7 - 1; }
  std::int64_t stride() const noexcept { return state_stride(head_dim); }
  /// Floats of a head's state (head_dim, stride), and of all.
  std::int64_t head_values() const noexcept { return head_dim * stride(); }
  std::int64_t state_values() const noexcept { return heads * head_values(); }
};

template <PlanOf<TimeMix7Plan> Plan, class Walk>
void walk_slots(Plan& p, Walk& walk) {
  constexpr auto kRole = MatrixRole::attention;
  const int n = p.hidden;
  walk.vector({"time_mix_lerp_fused", n, p.mixes()}, p.lerp);
  const auto low_rank = [&](std::string_view first, std::string_view second, int rank, auto& to, auto& back) {
    walk.linear({first, rank, n, Need::required, kRole}, to);
    walk.linear({second, n, rank, Need::required, kRole}, back);
  };
  walk.vector({"time_mix_w0", n}, p.w0);
  low_rank("time_mix_w1", "time_mix_w2", p.decay_rank, p.w1, p.w2);
  walk.vector({"time_mix_a0", n}, p.a0);
  low_rank("time_mix_a1", "time_mix_a2", p.rate_rank, p.a1, p.a2);
  if (p.first) {
    for (const char* name : {"time_mix_v0", "time_mix_v1", "time_mix_v2"}) walk.unused(name);
  } else {
    walk.vector({"time_mix_v0", n}, p.v0);
    low_rank("time_mix_v1", "time_mix_v2", p.value_rank, p.v1, p.v2);
  }
  if (p.gated()) low_rank("time_mix_g1", "time_mix_g2", p.gate_rank, p.g1, p.g2);
  walk.vector({"time_mix_k_k", n}, p.k_k);
  walk.vector({"time_mix_k_a", n}, p.k_a);
  walk.vector({"time_mix_r_k", n}, p.r_k);
  walk.linear({"time_mix_receptance", n, n, Need::required, kRole, Split::outputs}, p.r);
  walk.linear({"time_mix_key", n, n, Need::required, kRole, Split::outputs}, p.k);
  walk.linear({"time_mix_value", n, n, Need::required, MatrixRole::attn_v, Split::outputs}, p.v);
  if (!p.norm.empty()) walk.norm({"time_mix_ln", n}, p.norm);
  walk.linear({"time_mix_output", n, n, Need::required, MatrixRole::attn_output, Split::inputs}, p.out);
}

}  // namespace longhand
