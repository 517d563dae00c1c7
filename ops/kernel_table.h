// Choosing the kernels: once per model, never per call.
#pragma once

#include <span>
#include <string_view>

#include "ops/kernels.h"

namespace longhand {

/// Tables compiled in that run on this machine, best first.
std::span<const Kernels* const> available_kernels();
/// The table named `name`; an empty name asks the environment variable LONGHAND_ISA, and else takes the best.
/// Throws Error(unsupported) naming those available.
const Kernels& choose_kernels(std::string_view name = {});

}  // namespace longhand
