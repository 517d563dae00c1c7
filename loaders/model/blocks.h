// What a model computes, resolved once when it is loaded: nothing that runs a model asks for its
// architecture.
//
// A layer is a list of rounds. The blocks of a round all read the same residual stream x, and their outputs
// are added to it:  llama [[attention], [dense]]   phi2 [[attention, dense]]   qwen35 [[delta net], [dense]]
//
// A new kind of block is one file in blocks/ (its numbers, its tensors), one in engine/forward/blocks (what
// it computes), and one line each in BlockPlan and in engine/forward/run_block.h.
#pragma once

#include <variant>
#include <vector>

#include "loaders/model/blocks/altup.h"
#include "loaders/model/blocks/attention.h"
#include "loaders/model/blocks/channel_mix.h"
#include "loaders/model/blocks/compressed.h"
#include "loaders/model/blocks/delta_net.h"
#include "loaders/model/blocks/dense.h"
#include "loaders/model/blocks/embedding_again.h"
#include "loaders/model/blocks/experts.h"
#include "loaders/model/blocks/hyper_mix.h"
#include "loaders/model/blocks/kimi_delta.h"
#include "loaders/model/blocks/latent.h"
#include "loaders/model/blocks/laurel.h"
#include "loaders/model/blocks/mamba.h"
#include "loaders/model/blocks/mamba2.h"
#include "loaders/model/blocks/matrix.h"
#include "loaders/model/blocks/per_layer_input.h"
#include "loaders/model/blocks/rwkv6.h"
#include "loaders/model/blocks/rwkv7.h"
#include "loaders/model/blocks/short_conv.h"

namespace longhand {

using BlockPlan =
    std::variant<AttentionPlan, LatentPlan, CompressedPlan, ShortConvPlan, DeltaNetPlan, KimiDeltaPlan,
                 MambaPlan, MambaHeadsPlan, Mamba2Plan, TimeMix6Plan, TimeMix7Plan, ChannelMixPlan, DensePlan,
                 MoePlan, PerLayerInputPlan, LaurelPlan, AltupPredictPlan, AltupCorrectPlan, MatrixPlan,
                 EmbeddingAgainPlan, HyperMixPlan>;

/// A norm of the stream, and the name of its tensors.
struct StreamNorm {
  std::string_view name;
  NormPlan plan;
};

/// post(plan(pre(x))).
struct Block {
  StreamNorm pre, post;
  BlockPlan plan;
  bool of_entry = false;  // x is what the layer was given
};

/// Where a round's sum goes.
enum class AddTo : std::uint8_t {
  stream,         // x
  other_streams,  // all but the first of a token's streams
  each_stream,    // every stream of a token, times its gain (see HyperMixPlan)
  nothing,        // its block changes the streams itself
};

/// x = output_scale (x + scale * post(sum of the blocks)), then x = after(x), then x = again(x + what the
/// round began with).
struct Round {
  std::vector<Block> side_by_side;
  StreamNorm post, after, again;
  AddTo to = AddTo::stream;
  float scale = 0;                      // 0: as it is
  std::string_view output_scale_name;   // of the tensor; empty: there is none
  const float* output_scale = nullptr;  // null: 1
};

struct LayerPlan {
  std::vector<Round> rounds;
};

/// f(plan) for every block of a layer that is a Plan.
template <class Plan, class Layer, class Function>
void for_each_block(Layer& layer, const Function& f) {
  for (auto& round : layer.rounds) {
    for (auto& block : round.side_by_side) {
      if (auto* plan = std::get_if<Plan>(&block.plan)) f(*plan);
    }
  }
}

/// f(plan) for every block of a layer that has what Base has: AttentionCore, RecurrentPlan.
template <class Base, class Layer, class Function>
void for_each_derived(Layer& layer, const Function& f) {
  for (auto& round : layer.rounds) {
    for (auto& block : round.side_by_side) {
      std::visit(
          [&](auto& plan) {
            if constexpr (std::derived_from<std::remove_cvref_t<decltype(plan)>, Base>) f(plan);
          },
          block.plan);
    }
  }
}

/// f(core) for everything in a layer that attends, f(plan) for everything recurrent.
template <class Layer, class Function>
void for_each_attention(Layer& layer, const Function& f) {
  for_each_derived<AttentionCore>(layer, f);
}
template <class Layer, class Function>
void for_each_recurrent(Layer& layer, const Function& f) {
  for_each_derived<RecurrentPlan>(layer, f);
}

/// Whether something in a layer reads what the layer was given after it has changed the stream.
template <class Layer>
bool keeps_entry(const Layer& layer) {
  bool keeps = false;
  for (const auto& round : layer.rounds) {
    for (const auto& block : round.side_by_side) keeps = keeps || block.of_entry;
  }
  for_each_block<MoePlan>(layer, [&](const MoePlan& plan) { keeps = keeps || plan.routed_by_entry; });
  return keeps;
}

/// f(state) for every state a layer's blocks refer to.
template <class Layer, class Function>
void for_each_state(Layer& layer, const Function& f) {
  for (auto& round : layer.rounds) {
    for (auto& block : round.side_by_side) {
      std::visit(
          [&](auto& plan) {
            if constexpr (requires { plan.state; }) f(plan.state);
          },
          block.plan);
    }
  }
}

/// Shows all tensors of a layer to a walk (see slots.h). Norms of the stream have `hidden` values.
template <class Layer, class Walk>
void walk_layer(Layer& layer, int hidden, Walk& walk) {
  const auto norm = [&](auto& n) {
    if (!n.plan.empty() && !n.name.empty()) walk.norm({n.name, hidden}, n.plan);
  };
  for (auto& round : layer.rounds) {
    for (auto& block : round.side_by_side) {
      norm(block.pre);
      norm(block.post);
      std::visit([&](auto& plan) { walk_slots(plan, walk); }, block.plan);
    }
    norm(round.post);
    norm(round.after);
    norm(round.again);
    if (!round.output_scale_name.empty())
      walk.vector({round.output_scale_name, 1, 1, Need::optional}, round.output_scale);
  }
}

}  // namespace longhand
