#include "loaders/model/weights.h"

#include <fmt/format.h>

#include <algorithm>

#include "loaders/model/layers.h"
#include "loaders/model/tensors/slot_loader.h"

namespace longhand {
namespace {

void load_embedding(TensorReader& reader, ModelConfig& config, Weights& w) {
  constexpr std::uint64_t kMostTokens = 1 << 21;
  const std::string name = fmt::format("{}.weight", kEmbedding);
  const TensorInfo* embedding = reader.find(name);
  if (embedding == nullptr) reader.refuse(Errc::missing, name, "is missing");
  if (embedding->n_dims != 2 || embedding->dims[0] != std::uint64_t(config.hidden) ||
      embedding->dims[1] > kMostTokens) {
    reader.refuse(Errc::shape, name,
                  fmt::format("has shape {} x {}, must be {} x vocabulary (at most 2^21)", embedding->dims[0],
                              embedding->dims[1], config.hidden));
  }
  config.vocab = int(embedding->dims[1]);
  reader.count(*embedding);
  w.embedding = reader.rows_of(*embedding, 0, config.vocab, config.hidden);
}

// A text is never longer than there are positions, whatever the file says of its context.
void load_positions(TensorReader& reader, ModelConfig& config, Weights& w) {
  constexpr std::uint64_t kMostPositions = 1 << 24;
  if (!config.arch->learned_positions) return;
  const std::string name = fmt::format("{}.weight", kPositions);
  const TensorInfo* t = reader.find(name);
  if (t == nullptr) reader.refuse(Errc::missing, name, "is missing");
  if (t->dims[1] < 1 || t->dims[1] > kMostPositions)
    reader.refuse(Errc::shape, name, fmt::format("has {} positions, must have 1..2^24", t->dims[1]));
  reader.check_shape(*t, {config.hidden, std::int64_t(t->dims[1])});
  reader.count(*t);
  w.positions = reader.rows_of(*t, 0, std::int64_t(t->dims[1]), config.hidden);
  config.trained_context = std::min(config.trained_context, w.positions.rows);
}

// A text's tokens are all of the first kind.
void load_token_types(TensorReader& reader, const ModelConfig& config, Weights& w) {
  if (!config.arch->token_types) return;
  int types = 0;
  w.token_type = reader.stack(std::string(kTokenTypes) + ".weight", config.hidden, 1, &types);
}

// The table of tokens is only looked up, and larger than all else: it stays in the mapped file.
void load_per_layer(TensorReader& reader, const ModelConfig& config, PerLayerInputs& p) {
  if (p.width == 0) return;
  const std::string name(kPerLayerEmbedding);
  const TensorInfo* tokens = reader.find(name + ".weight");
  if (tokens == nullptr) reader.refuse(Errc::missing, name + ".weight", "is missing");
  reader.check_shape(*tokens, {p.values(), config.vocab});
  reader.count(*tokens);
  p.tokens = reader.rows_of(*tokens, 0, config.vocab, p.values());
}

}  // namespace

Weights load_weights(const Gguf& file, ModelConfig& config) {
  Weights w;
  TensorReader reader(file, w);
  load_embedding(reader, config, w);
  SlotLoader top(reader, config.attention, "");
  plan_ends(config, w);
  load_positions(reader, config, w);
  load_token_types(reader, config, w);
  load_per_layer(reader, config, w.per_layer);
  walk_ends(config, w, top);
  if (w.output.empty() && !config.embeds()) w.output.weight = w.embedding;
  w.layers = plan_layers(config, [&](const std::string& name) { return reader.has(name); });
  w.states = count_states(w.layers);
  for (std::size_t il = 0; il < w.layers.size(); ++il) {
    SlotLoader layer(reader, config.attention, fmt::format("blk.{}.", il));
    walk_layer(w.layers[il], config.hidden, layer);
  }
  reader.refuse_leftovers(int(config.layers.size()), config.skipped_layers);
  return w;
}

}  // namespace longhand
