// From the numbers of a model to what its layers compute.
#pragma once

#include <functional>
#include <string>

#include "loaders/model/blocks.h"
#include "loaders/model/config.h"

namespace longhand {

/// Whether a file has a tensor of this name.
using HasTensor = std::function<bool(const std::string&)>;

/// All layers, with every number settled and no weights yet. What only tensors tell (a network of experts, a
/// norm of its own) is asked of `has`.
std::vector<LayerPlan> plan_layers(const ModelConfig& config, const HasTensor& has);

/// The states that the blocks of these layers refer to are 0 .. result - 1.
int count_states(const std::vector<LayerPlan>& layers);

}  // namespace longhand
