// What a token gives a layer beside the stream (Gemma 3n).
#pragma once

#include "loaders/model/blocks/dense.h"

namespace longhand {

/// out(act(gate x) * p), with p (width) what the token at hand has for this layer.
struct PerLayerInputPlan {
  int hidden = 0, width = 0;
  int layer = 0;  // which part of the token's values p is
  Act act = Act::gelu;
  Linear gate;  // (width, hidden)
  Linear out;   // (hidden, width)
};

template <PlanOf<PerLayerInputPlan> Plan, class Walk>
void walk_slots(Plan& p, Walk& walk) {
  walk.linear({"inp_gate", p.width, p.hidden}, p.gate);
  walk.linear({"proj", p.hidden, p.width}, p.out);
}

}  // namespace longhand
