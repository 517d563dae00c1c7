// From the numbers of a model to its recurrent blocks.
#pragma once

#include <functional>
#include <string_view>

#include "loaders/model/blocks.h"
#include "loaders/model/config.h"

namespace longhand {

/// Of one layer: which of a sequence's states its block has, the kind of its norms, and whether the file has
/// a tensor of the layer with this name.
struct RecurrentLayer {
  const ModelConfig& config;
  int index;
  int state;
  NormPlan norm;
  std::function<bool(std::string_view)> has;
};

/// The block of a layer that mixes tokens as `mixer` says, which is not attention.
BlockPlan plan_recurrent(Mixer mixer, const RecurrentLayer& layer);
/// Its feed-forward network, where that is one of RWKV.
ChannelMixPlan plan_channel_mix(const RecurrentLayer& layer, int ff);

}  // namespace longhand
