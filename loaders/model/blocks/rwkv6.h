// Time mixing of RWKV-6 (Peng et al. 2024, arXiv 2404.05892), and the form without a bonus that QRWKV6 puts
// in place of attention.
#pragma once

#include <array>

#include "loaders/model/blocks/recurrent.h"
#include "ops/kernels.h"

namespace longhand {

/// What a token is mixed to, in the order of files.
enum class Mix6 : std::uint8_t { w, k, v, r, g };
inline constexpr int kMixes6 = 5;

/// With s = previous x - x, m = tanh(w1(x + s lerp_x)) in five parts and x_i = x + s (lerp_i + w2_i(m_i)):
/// k, v, r and g are products of theirs, w = exp(-exp(decay + decay_w2(tanh(decay_w1(x_w))))) of every
/// channel. For every head, with a bonus: y = (M + diag(bonus) k v^T)^T r, then M <- diag(w) M + k v^T, and
/// the result is out(norm(y) silu(g)). Without: M <- diag(w) M + (1 - w) k v^T, y = M^T r / sqrt(head_dim),
/// out(y sigmoid(g)).
struct TimeMix6Plan : RecurrentPlan {
  int heads = 0, kv_heads = 0;  // heads is a multiple of kv_heads
  int head_dim = 0;             // of r, k and v
  int mix_rank = 0, decay_rank = 0;
  bool has_bonus = false;
  const float* lerp_x = nullptr;              // (hidden)
  const float* lerp = nullptr;                // (5, hidden), or, in some files, apart:
  std::array<const float*, kMixes6> lerps{};  // (hidden) each
  Linear w1;                                  // (5 mix_rank, hidden)
  std::vector<Linear> w2;                     // 5 of (hidden, mix_rank)
  const float* decay = nullptr;               // (hidden)
  Linear decay_w1, decay_w2;                  // (decay_rank, hidden), (hidden, decay_rank)
  const float* bonus = nullptr;               // (heads, head_dim)
  Linear r, k, v, gate;                       // (hidden or kv_heads x head_dim, hidden)
  NormPlan norm;                              // (heads, head_dim), over each head
  Linear out;                                 // (hidden, hidden)

  const float* lerp_of(int mix) const noexcept {
    return lerp != nullptr ? lerp + std::int64_t{mix} * hidden : lerps[std::size_t(mix)];
  }
  std::int64_t kv_dim() const noexcept { return std::int64_t{kv_heads} * head_dim; }
  std::int64_t stride() const noexcept { return state_stride(head_dim); }
  /// Floats of a head's state (head_dim, stride), and of all.
  std::int64_t head_values() const noexcept { return head_dim * stride(); }
  std::int64_t state_values() const noexcept { return heads * head_values(); }
};

template <PlanOf<TimeMix6Plan> Plan, class Walk>
void walk_slots(Plan& p, Walk& walk) {
  constexpr auto kRole = MatrixRole::attention;
  const int n = p.hidden;
  walk.vector({"time_mix_lerp_x", n}, p.lerp_x);
  walk.vector_or({"time_mix_lerp_fused", n, kMixes6, Need::optional}, p.lerp, [&] {
    constexpr std::string_view kNames[] = {"time_mix_lerp_w", "time_mix_lerp_k", "time_mix_lerp_v",
                                           "time_mix_lerp_r", "time_mix_lerp_g"};
    for (std::size_t i = 0; i < kMixes6; ++i) walk.vector({kNames[i], n}, p.lerps[i]);
  });
  walk.linear({"time_mix_w1", kMixes6 * std::int64_t{p.mix_rank}, n, Need::required, kRole}, p.w1);
  walk.experts({"time_mix_w2", n, p.mix_rank, Need::required, kRole}, kMixes6, p.w2);
  walk.vector({"time_mix_decay", n}, p.decay);
  walk.linear({"time_mix_decay_w1", p.decay_rank, n, Need::required, kRole}, p.decay_w1);
  walk.linear({"time_mix_decay_w2", n, p.decay_rank, Need::required, kRole}, p.decay_w2);
  if (p.has_bonus) walk.vector({"time_mix_first", n}, p.bonus);
  walk.linear({"time_mix_receptance", n, n, Need::required, kRole, Split::outputs}, p.r);
  walk.linear({"time_mix_key", p.kv_dim(), n, Need::required, kRole, Split::outputs}, p.k);
  walk.linear({"time_mix_value", p.kv_dim(), n, Need::required, MatrixRole::attn_v, Split::outputs}, p.v);
  walk.linear({"time_mix_gate", n, n, Need::required, kRole, Split::outputs}, p.gate);
  if (!p.norm.empty()) walk.norm({"time_mix_ln", n}, p.norm);
  walk.linear({"time_mix_output", n, n, Need::required, MatrixRole::attn_output, Split::inputs}, p.out);
}

}  // namespace longhand
