// Gated delta net (Qwen3-Next, Qwen3.5): linear attention whose state forgets and corrects itself.
#pragma once

#include "loaders/model/blocks/recurrent.h"
#include "ops/kernels.h"

namespace longhand {

/// With [q | k | v] = silu(conv(qkv(x))), q and k scaled to length 1 in each head, beta = sigmoid(b(x)) and
/// decay = exp(a_log softplus(a(x) + dt_bias)): out(norm(delta rule) * silu(gate(x))).
struct DeltaNetPlan : RecurrentPlan {
  int key_heads = 0, value_heads = 0;  // value_heads is a multiple of key_heads
  int head_dim = 0;                    // of keys and values
  bool interleaved = false;  // value head h has key head h / (heads per key head), else h % key_heads
  float epsilon = 0;         // least length of q and k
  Linear all;                // old files: for each key head [q | k | v of its heads | gates of its heads]
  Linear qkv;                // (2 key_heads x head_dim + value_heads x head_dim, hidden)
  Linear gate;               // (value_heads x head_dim, hidden)
  Linear alpha, beta;        // (value_heads, hidden)
  Linear beta_alpha;  // (2 value_heads, hidden): for each key head the betas of its heads, then their alphas
  const float* dt_bias = nullptr;  // (value_heads)
  const float* a_log = nullptr;    // (value_heads) -exp(A_log)
  NormPlan norm;                   // (head_dim)
  Linear out;                      // (hidden, value_heads x head_dim)

  int per_key() const noexcept { return value_heads / key_heads; }
  int key_head(int h) const noexcept { return interleaved ? h / per_key() : h % key_heads; }
  std::int64_t key_dim() const noexcept { return std::int64_t{key_heads} * head_dim; }
  std::int64_t inner() const noexcept { return std::int64_t{value_heads} * head_dim; }
  std::int64_t stride() const noexcept { return state_stride(head_dim); }
  /// Floats of a head's state (head_dim, stride), and of all.
  std::int64_t head_values() const noexcept { return head_dim * stride(); }
  std::int64_t state_values() const noexcept { return value_heads * head_values(); }
};

template <PlanOf<DeltaNetPlan> Plan, class Walk>
void walk_slots(Plan& p, Walk& walk) {
  const std::int64_t qkv = 2 * p.key_dim() + p.inner(), heads = p.value_heads;
  walk.either(
      {"ssm_in", qkv + p.inner(), p.hidden, Need::optional, MatrixRole::attention, Split::outputs}, p.all,
      [&] {
        walk.linear({"attn_qkv", qkv, p.hidden, Need::required, MatrixRole::attention, Split::outputs},
                    p.qkv);
        walk.linear({"attn_gate", p.inner(), p.hidden, Need::required, MatrixRole::attention, Split::outputs},
                    p.gate);
      });
  walk.either({"ssm_ba", 2 * heads, p.hidden, Need::optional}, p.beta_alpha, [&] {
    walk.linear({"ssm_beta", heads, p.hidden}, p.beta);
    walk.linear({"ssm_alpha", heads, p.hidden}, p.alpha);
  });
  walk.columns({"ssm_conv1d", qkv, p.conv.width}, p.conv.weight);
  walk.vector({"ssm_dt", heads, 1, Need::required, MatrixRole::small, Split::whole, ".bias"}, p.dt_bias);
  walk.vector({"ssm_a", heads, 1, Need::required, MatrixRole::small, Split::whole, ""}, p.a_log);
  walk.norm({"ssm_norm", p.head_dim}, p.norm);
  walk.linear({"ssm_out", p.hidden, p.inner(), Need::required, MatrixRole::attn_output, Split::inputs},
              p.out);
}

}  // namespace longhand
