#include "loaders/model/weights.h"

#include <fmt/format.h>

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

// The table of tokens is only looked up, and larger than all else: it stays in the mapped file.
void load_per_layer(TensorTaker& taker, const ModelConfig& config, PerLayerInputs& p) {
  p = plan_per_layer(config);
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
  w.output_norm = {config.arch->norm, config.norm_epsilon, nullptr, nullptr};
  load_per_layer(taker, config, w.per_layer);
  w.streams.count = config.streams;
  walk_ends(config, w, top);
  if (w.output.empty()) w.output.weight = w.embedding;
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
