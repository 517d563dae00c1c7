#include "engine/run/sequence.h"

#include <fmt/format.h>

#include "ops/error.h"

namespace longhand {
namespace {

// Of a rotation back by `distance` positions.
struct Angles {
  Angles() = default;
  Angles(const PositionPlan& positions, Rotation which, int distance)
      : cos(std::size_t(positions.rot(which) / 2)), sin(cos.size()) {
    positions.angles_back(which, distance, cos.data(), sin.data());
  }
  std::vector<float> cos, sin;
};

int widest_head(const Weights& weights) {
  int widest = 0;
  for (const LayerPlan& layer : weights.layers) {
    for_each_attention(layer, [&](const AttentionCore& core) {
      widest = std::max({widest, core.head_dim, core.value_dim});
    });
  }
  return widest;
}

}  // namespace

Sequence::Sequence(const ModelData& m, const SessionOptions& o)
    : model(m),
      options(o),
      sizes(choose_sizes(m, o)),
      states(new_states()),
      positions(m.config, m.weights, o, far_positions(sizes.plan), sizes.context) {
  states.reserve();
}

Sequence::Sequence(const Sequence& other)
    : model(other.model),
      options(other.options),
      sizes(other.sizes),
      states(new_states()),
      positions(other.positions),
      tokens(other.tokens),
      remembered(other.remembered) {
  states.copy(other.states, remembered);
}

States Sequence::new_states() const {
  return {model.config, model.weights, options, sizes.plan, sizes.context, sizes.batch};
}

WorkspaceSizes Sequence::needs() const noexcept {
  return {.rows = sizes.batch,
          .workers = std::max(sizes.threads, sizes.prefill_threads),
          .memory_scratch = states.scratch_bytes(),
          .attention_parts = states.most_parts(),
          .far_queries = far_positions(sizes.plan).used};
}

void Sequence::check(std::span<const Token> added) const {
  if (added.empty()) throw Error(Errc::range, "no tokens to feed; at least one is needed");
  if (added.size() > std::size_t(sizes.context) - tokens.size()) {
    throw Error(Errc::context_full,
                fmt::format("{} tokens do not fit: the context holds {}, of which {} are used", added.size(),
                            sizes.context, tokens.size()));
  }
  for (std::size_t i = 0; i < added.size(); ++i) {
    if (added[i] < 0 || added[i] >= model.config.vocab) {
      throw Error(Errc::range,
                  fmt::format("token {} at index {} must be 0..{}", added[i], i, model.config.vocab - 1));
    }
  }
}

bool Sequence::cut(int from, int to) {
  const Cut cut{from, to, remembered};
  const bool learned = !model.weights.positions.empty();  // a token's own, which no rotation can change
  if (learned || !states.can_cut() || remembered < int(tokens.size())) return false;
  Angles angles[2];
  for (const Rotation which : {Rotation::global, Rotation::local})
    angles[int(which)] = Angles(positions, which, cut.moved());
  std::vector<float> key(std::size_t(widest_head(model.weights))), value(key.size());
  states.will_write(from, cut.size - cut.moved());
  for (const LayerPlan& layer : model.weights.layers) {
    for_each_attention(layer, [&](const AttentionCore& core) {
      if (!core.stores) return;
      const Rotation which = positions.rotation_of(core);
      const Angles& back = angles[int(which)];
      const int rot = core.rope == Rope::none ? 0 : positions.rot(which);
      states.attention(core.state)
          .cut(cut, *model.kernels,
               {key.data(), back.cos.data(), back.sin.data(), rot, core.rope == Rope::halves}, value.data());
    });
  }
  states.was_cut(cut);
  tokens.erase(tokens.begin() + from, tokens.begin() + to);
  remembered -= cut.moved();
  return true;
}

Slice Sequence::next_slice(int count, int first_row) {
  states.will_write(remembered, remembered + count);
  return {states, positions, first_row, count, remembered};
}

}  // namespace longhand
