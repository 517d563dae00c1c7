// Alternating updates (Baykal et al. 2023, arXiv 2301.13310): a token has several streams. Before a layer
// each is predicted from all of them; the layer's blocks change the first, and what they made of it corrects
// the others (Gemma 3n).
#pragma once

#include "loaders/model/slots.h"

namespace longhand {

/// What both halves share: m = tanh(router x / hidden), with x the normalised first stream.
struct AltupPlan {
  int hidden = 0, streams = 0;
  Linear router;  // (streams, hidden)
};

/// Stream i becomes s_i + sum over j of (coefficients m)_(streams i + j) s_j.
struct AltupPredictPlan : AltupPlan {
  const float* coefficients = nullptr;  // (streams^2, streams)
};

/// With d what the blocks added to the first stream since its prediction, stream i becomes
/// p_i + (1 + (coefficients m)_i) d.
struct AltupCorrectPlan : AltupPlan {
  const float* coefficients = nullptr;  // (streams, streams)
};

template <PlanOf<AltupPredictPlan> Plan, class Walk>
void walk_slots(Plan& p, Walk& walk) {
  walk.linear({"altup_router", p.streams, p.hidden}, p.router);
  walk.vector({"altup_predict_coef", std::int64_t{p.streams} * p.streams, p.streams}, p.coefficients);
}

template <PlanOf<AltupCorrectPlan> Plan, class Walk>
void walk_slots(Plan& p, Walk& walk) {
  walk.linear({"altup_router", p.streams, p.hidden}, p.router);
  walk.vector({"altup_correct_coef", p.streams, p.streams}, p.coefficients);
}

}  // namespace longhand
