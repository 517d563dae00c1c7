// A long text made up: keys and values as random as a model's never are, for measuring what depth costs.
#pragma once

#include "engine/forward/pass.h"

namespace longhand {

/// Every state takes in random keys and values for the pass's tokens; called by every worker.
void remember_at_random(const Pass& pass) noexcept;

}  // namespace longhand
