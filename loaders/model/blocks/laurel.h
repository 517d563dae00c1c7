// A learned augmented residual layer (Menghani et al. 2024, arXiv 2411.07501): a map of low rank beside
// attention (Gemma 3n).
#pragma once

#include "loaders/model/slots.h"

namespace longhand {

/// x + norm(right left x).
struct LaurelPlan {
  int hidden = 0, rank = 0;
  Linear left;    // (rank, hidden)
  Linear right;   // (hidden, rank)
  NormPlan norm;  // (hidden)
};

template <PlanOf<LaurelPlan> Plan, class Walk>
void walk_slots(Plan& p, Walk& walk) {
  walk.linear({"laurel_l", p.rank, p.hidden}, p.left);
  walk.linear({"laurel_r", p.hidden, p.rank}, p.right);
  walk.norm({"laurel_post_norm", p.hidden}, p.norm);
}

}  // namespace longhand
