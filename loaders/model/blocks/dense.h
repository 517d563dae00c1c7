// A feed-forward network.
#pragma once

#include <limits>
#include <optional>

#include "loaders/model/slots.h"
#include "ops/kernels.h"

namespace longhand {

using Act = Activate;

/// down(act(gate x) * up x), or down(act(up x)) where it has no gate. A finite gate_cut c puts
/// max(0, g - (mean + c deviation)) in the place of g = gate x, over the values of a token. With a limit c,
/// which only gated networks have: down(min(act(gate x), c) * clamp(up x, -c, c)), or with act(min(gate x,
/// c)).
struct DensePlan {
  int hidden = 0, ff = 0;
  Act act = Act::silu;
  bool gated = true;
  float gate_cut = -std::numeric_limits<float>::infinity();
  std::optional<Xielu> xielu;  // in place of act
  float limit = 0;             // 0: none
  bool limits_gate = false;    // it bounds what act is applied to
  Linear gate, up;             // (ff, hidden)
  Linear down;                 // (hidden, ff)
  NormPlan sub_norm;           // (ff) of what `down` reads
};

template <PlanOf<DensePlan> Plan, class Walk>
void walk_slots(Plan& p, Walk& walk) {
  const Slot up{"ffn_up", p.ff, p.hidden, Need::required, MatrixRole::ffn, Split::outputs};
  if (p.gated) {
    walk.fused(
        {"ffn_up", 2 * p.ff, p.hidden},
        {SlotPart{{"ffn_gate", p.ff, p.hidden, Need::required, MatrixRole::ffn, Split::outputs}, &p.gate},
         SlotPart{up, &p.up}});
  } else {
    walk.linear(up, p.up);
  }
  if (!p.sub_norm.empty()) walk.norm({"ffn_sub_norm", p.ff}, p.sub_norm);
  walk.linear({"ffn_down", p.hidden, p.ff, Need::required, MatrixRole::ffn_down, Split::inputs}, p.down);
}

}  // namespace longhand
