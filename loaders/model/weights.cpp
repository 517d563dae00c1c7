#include "loaders/model/weights.h"

#include <fmt/format.h>

#include <algorithm>

#include "loaders/model/layers.h"
#include "loaders/model/slot_loader.h"

namespace longhand {
namespace {

void load_embedding(TensorTaker& taker, ModelConfig& config, Weights& w) {
  constexpr std::uint64_t kMostTokens = 1 << 21;
  const std::string name = fmt::format("{}.weight", kEmbedding);
  const TensorInfo* embedding = taker.find(name);
  if (embedding == nullptr) taker.refuse(Errc::missing, name, "is missing");
  if (embedding->n_dims != 2 || embedding->dims[0] != std::uint64_t(config.hidden) ||
      embedding->dims[1] > kMostTokens) {
    taker.refuse(Errc::shape, name,
                 fmt::format("has shape {} x {}, must be {} x vocabulary (at most 2^21)", embedding->dims[0],
                             embedding->dims[1], config.hidden));
  }
  config.vocab = int(embedding->dims[1]);
  taker.count(*embedding);
  w.embedding = taker.rows_of(*embedding, 0, config.vocab, config.hidden);
}

// A text is never longer than there are positions, whatever the file says of its context.
void load_positions(TensorTaker& taker, ModelConfig& config, Weights& w) {
  constexpr std::uint64_t kMostPositions = 1 << 24;
  if (!config.arch->learned_positions) return;
  const std::string name = fmt::format("{}.weight", kPositions);
  const TensorInfo* t = taker.find(name);
  if (t == nullptr) taker.refuse(Errc::missing, name, "is missing");
  if (t->dims[1] < 1 || t->dims[1] > kMostPositions)
    taker.refuse(Errc::shape, name, fmt::format("has {} positions, must have 1..2^24", t->dims[1]));
  taker.check_shape(*t, {config.hidden, std::int64_t(t->dims[1])});
  taker.count(*t);
  w.positions = taker.rows_of(*t, 0, std::int64_t(t->dims[1]), config.hidden);
  config.trained_context = std::min(config.trained_context, w.positions.rows);
}

// A text's tokens are all of the first kind.
void load_token_types(TensorTaker& taker, const ModelConfig& config, Weights& w) {
  if (!config.arch->token_types) return;
  int types = 0;
  w.token_type = taker.stack(std::string(kTokenTypes) + ".weight", config.hidden, 1, &types);
}

// The table of tokens is only looked up, and larger than all else: it stays in the mapped file.
void load_per_layer(TensorTaker& taker, const ModelConfig& config, PerLayerInputs& p) {
  if (p.width == 0) return;
  const std::string name(kPerLayerEmbedding);
  const TensorInfo* tokens = taker.find(name + ".weight");
  if (tokens == nullptr) taker.refuse(Errc::missing, name + ".weight", "is missing");
  taker.check_shape(*tokens, {p.values(), config.vocab});
  taker.count(*tokens);
  p.tokens = taker.rows_of(*tokens, 0, config.vocab, p.values());
}

}  // namespace

Weights load_weights(const Gguf& file, ModelConfig& config) {
  Weights w;
  TensorTaker taker(file, w);
  load_embedding(taker, config, w);
  SlotLoader top(taker, config.attention, "");
  plan_ends(config, w);
  load_positions(taker, config, w);
  load_token_types(taker, config, w);
  load_per_layer(taker, config, w.per_layer);
  walk_ends(config, w, top);
  if (w.output.empty() && !config.embeds()) w.output.weight = w.embedding;
  w.layers = plan_layers(config, [&](const std::string& name) { return taker.has(name); });
  w.states = count_states(w.layers);
  for (std::size_t il = 0; il < w.layers.size(); ++il) {
    SlotLoader layer(taker, config.attention, fmt::format("blk.{}.", il));
    walk_layer(w.layers[il], config.hidden, layer);
  }
  taker.refuse_leftovers(int(config.layers.size()), config.skipped_layers);
  return w;
}

}  // namespace longhand
