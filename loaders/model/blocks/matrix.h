// One matrix where other layers have attention.
#pragma once

#include "loaders/model/slots.h"

namespace longhand {

/// out(x). Layers found by a search of what a model can do without have it (Bercovich et al. 2024, Puzzle,
/// arXiv 2411.19146).
struct MatrixPlan {
  int hidden = 0;
  Linear out;  // (hidden, hidden)
};

template <PlanOf<MatrixPlan> Plan, class Walk>
void walk_slots(Plan& p, Walk& walk) {
  walk.linear({"attn_output", p.hidden, p.hidden, Need::required, MatrixRole::attn_output, Split::outputs},
              p.out);
}

}  // namespace longhand
