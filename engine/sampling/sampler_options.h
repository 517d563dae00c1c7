// Checking of sampling options.
#pragma once

#include "engine/types/sampler_options.h"

namespace longhand {

/// Throws Error (range) naming the first option that is NaN or out of bounds.
void check_sampler_options(const SamplerOptions& options, int vocab_size);

}  // namespace longhand
