// Kimi delta attention (arXiv 2510.26692): a delta net that forgets channel by channel.
#pragma once

#include "loaders/model/blocks/recurrent.h"
#include "ops/kernels.h"

namespace longhand {

/// With q, k, v = silu(conv(product)), q and k scaled to length 1 in each head, beta = sigmoid(b(x)) and
/// decay = exp(a softplus(f_b(f_a(x)) + dt_bias)) of every channel of k: M <- diag(decay) M, then
/// M <- M + k (beta (v - M^T k))^T, y = M^T q / sqrt(head_dim). out(norm(y) sigmoid(g_b(g_a(x)))).
struct KimiDeltaPlan : RecurrentPlan {
  int heads = 0, head_dim = 0;
  float epsilon = 0;               // least length of q and k
  Linear q, k, v;                  // (inner, hidden)
  Linear f_a, f_b, g_a, g_b;       // (head_dim, hidden) and (inner, head_dim)
  Linear beta;                     // (heads, hidden)
  const float* dt_bias = nullptr;  // (inner)
  const float* a = nullptr;        // (heads)
  NormPlan norm;                   // (head_dim)
  Linear out;                      // (hidden, inner)

  std::int64_t inner() const noexcept { return std::int64_t{heads} * head_dim; }
  std::int64_t stride() const noexcept { return state_stride(head_dim); }
  /// Floats of a head's state (head_dim, stride), and of all.
  std::int64_t head_values() const noexcept { return head_dim * stride(); }
  std::int64_t state_values() const noexcept { return heads * head_values(); }
};

template <PlanOf<KimiDeltaPlan> Plan, class Walk>
void walk_slots(Plan& p, Walk& walk) {
  constexpr auto kRole = MatrixRole::attention;
  constexpr auto kSmall = MatrixRole::small;
  const std::int64_t inner = p.inner(), width = p.conv.width;
  walk.linear({"attn_q", inner, p.hidden, Need::required, kRole, Split::outputs}, p.q);
  walk.linear({"attn_k", inner, p.hidden, Need::required, kRole, Split::outputs}, p.k);
  walk.linear({"attn_v", inner, p.hidden, Need::required, MatrixRole::attn_v, Split::outputs}, p.v);
  walk.joined_columns(
      {{"ssm_conv1d_q", inner, width}, {"ssm_conv1d_k", inner, width}, {"ssm_conv1d_v", inner, width}},
      p.conv.weight);
  walk.linear({"ssm_f_a", p.head_dim, p.hidden, Need::required, kRole}, p.f_a);
  walk.linear({"ssm_f_b", inner, p.head_dim, Need::required, kRole, Split::outputs}, p.f_b);
  walk.linear({"ssm_g_a", p.head_dim, p.hidden, Need::required, kRole}, p.g_a);
  walk.linear({"ssm_g_b", inner, p.head_dim, Need::required, kRole, Split::outputs}, p.g_b);
  walk.linear({"ssm_beta", p.heads, p.hidden}, p.beta);
  walk.vector({"ssm_dt", inner, 1, Need::required, kSmall, Split::whole, ".bias"}, p.dt_bias);
  walk.vector({"ssm_a", p.heads, 1, Need::required, kSmall, Split::whole, ""}, p.a);
  walk.norm({"ssm_norm", p.head_dim}, p.norm);
  walk.linear({"attn_output", p.hidden, inner, Need::required, MatrixRole::attn_output, Split::inputs},
              p.out);
}

}  // namespace longhand
