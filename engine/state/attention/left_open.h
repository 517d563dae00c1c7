// Whether a memory is the library's to choose, and whether a model can have it.
#pragma once

#include <string_view>
#include <vector>

#include "engine/state/attention/kinds.h"

namespace longhand {

/// The memory is left to the library, by options and file, and the model adapts(). Under a budget or a pace
/// plan_memory() then takes options of a summary, too, which count once there is one.
bool is_left_open(const ModelConfig& config, const SessionOptions& options);

/// Why this model cannot have this memory, or that it brings itself what an option asks for; empty: it can.
std::string_view memory_objection(const MemoryPlan& plan, const ModelConfig& config,
                                  const std::vector<LayerPlan>& layers, const AttentionOptions& options);

}  // namespace longhand
