// Mamba (Gu and Dao 2023, arXiv 2312.00752), with time steps of channels or of heads (PLaMo 2).
#pragma once

#include "loaders/model/blocks/head_scan.h"

namespace longhand {

/// What Mamba's scans read beside x: a product of x itself, each part normalised.
struct ScanInputs {
  int dt_rank = 0, state_size = 0;
  bool own_weights = false;          // norms have weights
  Linear x;                          // (dt_rank + 2 state_size, inner)
  NormPlan dt_norm, b_norm, c_norm;  // (dt_rank), (state_size), (state_size); or none
  Linear dt;                         // (inner or heads, dt_rank)

  std::int64_t values() const noexcept { return dt_rank + 2 * std::int64_t{state_size}; }
};

/// With [x | z] = in(input), x = silu(conv(x)), [t | B | C] = inputs.x(x) and dt = softplus(inputs.dt(t)),
/// for every channel: M <- exp(dt a) M + B (dt x) and y = M . C + d x. out(y silu(z)).
struct MambaPlan : RecurrentPlan {
  int inner = 0;
  ScanInputs inputs;
  Linear in;                 // (2 inner, hidden)
  const float* a = nullptr;  // (state_size, inner)
  const float* d = nullptr;  // (inner)
  Linear out;                // (hidden, inner)

  std::int64_t stride() const noexcept { return state_stride(inner); }
  /// Floats of a state (state_size, stride).
  std::int64_t state_values() const noexcept { return inputs.state_size * stride(); }
};

/// The same with a scan over heads. For every head, `in` has [z | x] of it; inputs.x(x) is [B | C | t].
struct MambaHeadsPlan : HeadScanPlan {
  ScanInputs inputs;
  Linear in;   // (2 inner, hidden)
  Linear out;  // (hidden, inner)
};

template <class Inputs, class Walk>
void walk_scan_inputs(Inputs& p, std::int64_t inner, std::int64_t steps, Walk& walk) {
  walk.linear({"ssm_x", p.values(), inner, Need::required, MatrixRole::attention}, p.x);
  if (p.own_weights) {
    walk.norm({"ssm_dt_norm", p.dt_rank}, p.dt_norm);
    walk.norm({"ssm_b_norm", p.state_size}, p.b_norm);
    walk.norm({"ssm_c_norm", p.state_size}, p.c_norm);
  }
  walk.linear({"ssm_dt", steps, p.dt_rank, Need::required, MatrixRole::attention, Split::outputs}, p.dt);
}

template <class Plan, class Walk>
requires PlanOf<Plan, MambaPlan> || PlanOf<Plan, MambaHeadsPlan>
void walk_slots(Plan& p, Walk& walk) {
  constexpr bool by_head = PlanOf<Plan, MambaHeadsPlan>;
  constexpr auto kSmall = MatrixRole::small;
  const std::int64_t inner = p.conv.channels;
  walk.linear({"ssm_in", 2 * inner, p.hidden, Need::required, MatrixRole::attention, Split::outputs}, p.in);
  walk.columns({"ssm_conv1d", inner, p.conv.width}, p.conv.weight);
  walk.vector({"ssm_conv1d", inner, 1, Need::optional, kSmall, Split::whole, ".bias"}, p.conv.bias);
  if constexpr (by_head) {
    walk_scan_inputs(p.inputs, inner, p.heads, walk);
    walk.vector({"ssm_a", p.heads, 1, Need::required, kSmall, Split::whole, ""}, p.a);
    walk.vector({"ssm_d", p.heads, 1, Need::required, kSmall, Split::whole, ""}, p.d);
  } else {
    walk_scan_inputs(p.inputs, inner, inner, walk);
    walk.columns({"ssm_a", inner, p.inputs.state_size, Need::required, kSmall, Split::whole, ""}, p.a);
    walk.vector({"ssm_d", inner, 1, Need::required, kSmall, Split::whole, ""}, p.d);
  }
  walk.linear({"ssm_out", p.hidden, inner, Need::required, MatrixRole::attn_output, Split::inputs}, p.out);
}

}  // namespace longhand
