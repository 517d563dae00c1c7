// Mamba-2 (Dao and Gu 2024, arXiv 2405.21060).
#pragma once

#include "loaders/model/blocks/head_scan.h"

namespace longhand {

/// With [z | x B C | time steps] = in(input) and x, B, C = silu(conv(x B C)): out(norm(silu(z) scan(x))).
struct Mamba2Plan : HeadScanPlan {
  Linear in;      // (2 inner + 2 groups x state_size + heads, hidden)
  NormPlan norm;  // (groups, inner / groups), over each group; none in some files
  Linear out;     // (hidden, inner)

  std::int64_t in_rows() const noexcept { return inner() + conv.channels + heads; }
};

template <PlanOf<Mamba2Plan> Plan, class Walk>
void walk_slots(Plan& p, Walk& walk) {
  constexpr auto kSmall = MatrixRole::small;
  walk.linear({"ssm_in", p.in_rows(), p.hidden, Need::required, MatrixRole::attention, Split::outputs}, p.in);
  walk.columns({"ssm_conv1d", p.conv.channels, p.conv.width}, p.conv.weight);
  walk.vector({"ssm_conv1d", p.conv.channels, 1, Need::optional, kSmall, Split::whole, ".bias"}, p.conv.bias);
  walk.vector({"ssm_dt", p.heads, 1, Need::required, kSmall, Split::whole, ".bias"}, p.dt_bias);
  walk.vector({"ssm_a", p.heads, 1, Need::required, kSmall, Split::whole, ""}, p.a);
  walk.vector({"ssm_d", p.heads, 1, Need::required, kSmall, Split::whole, ""}, p.d);
  if (!p.norm.empty()) walk.norm({"ssm_norm", p.inner()}, p.norm);
  walk.linear({"ssm_out", p.hidden, p.inner(), Need::required, MatrixRole::attn_output, Split::inputs},
              p.out);
}

}  // namespace longhand
