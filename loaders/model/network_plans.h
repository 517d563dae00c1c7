// Plans of feed-forward networks.
#pragma once

#include "loaders/model/blocks.h"
#include "loaders/model/config.h"

namespace longhand {

/// A network of `ff` inner values in a layer of this shape.
DensePlan plan_dense(const ModelConfig& config, const LayerShape& shape, int ff);
/// The experts of a layer, with a network that every token uses where `shared`.
MoePlan plan_experts(const ModelConfig& config, const LayerShape& shape, bool shared);

}  // namespace longhand
