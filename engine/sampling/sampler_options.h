// Checking of sampling options.
#pragma once

#include <string_view>

#include "engine/sampling/sampler.h"

namespace longhand {

/// "top_k" and so on.
std::string_view sampler_stage_name(SamplerStage stage) noexcept;

/// Throws Error (range) naming the first option that is NaN or out of bounds.
void check_sampler_options(const SamplerOptions& options, int vocab_size);

}  // namespace longhand
