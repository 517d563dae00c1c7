// The embedding of the token at hand, added once more.
#pragma once

#include "loaders/model/slots.h"

namespace longhand {

/// scale times the embedding as it entered the first layer.
struct EmbeddingAgainPlan {
  int hidden = 0;
  const float* scale = nullptr;  // (1)
};

template <PlanOf<EmbeddingAgainPlan> Plan, class Walk>
void walk_slots(Plan& p, Walk& walk) {
  walk.vector({"layer_output_scale", 1}, p.scale);
}

}  // namespace longhand
