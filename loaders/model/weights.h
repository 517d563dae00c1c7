// A model's layers and what stands around them, with their tensors.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "loaders/gguf/gguf.h"
#include "loaders/model/blocks.h"
#include "loaders/model/config.h"
#include "ops/buffer.h"
#include "ops/parallel.h"

namespace longhand {

/// What a token gives every layer beside the stream; width 0: nothing. See blocks/per_layer_input.h.
struct PerLayerInputs {
  int width = 0, layers = 0;
  MatView tokens;     // (vocab, layers x width)
  Linear projection;  // (layers x width, hidden)
  NormPlan norm;      // (width) of what is projected

  std::int64_t values() const noexcept { return std::int64_t{layers} * width; }
};

/// How the streams of a token begin and end; count 1: there is only the one.
struct StreamEnds {
  int count = 1;
  HyperEnd hyper;                    // of streams that end so
  std::vector<Linear> enter, leave;  // (hidden, hidden), of all streams but the first
};

/// What a prediction layer reads of a token and of the final hidden state h before it:
/// join([token_norm(embedding) | hidden_norm(h)]). Empty in models proper.
struct NextInput {
  Linear join;                       // (hidden, 2 hidden)
  NormPlan token_norm, hidden_norm;  // (hidden)

  bool empty() const noexcept { return join.empty(); }
};

struct Weights {
  MatView embedding;        // (vocab, hidden)
  Linear output;            // (vocab, hidden); the embedding again where the file has no output head
  NormPlan output_norm;     // (hidden)
  NormPlan embedding_norm;  // (hidden) of some architectures
  MatView positions;        // (positions, hidden) added to the embeddings, of some architectures
  const float* token_type = nullptr;  // (hidden) added to the embedding of a text's tokens; or null
  PoolingHead head;
  PerLayerInputs per_layer;
  StreamEnds streams;
  NextInput next_input;
  std::vector<LayerPlan> layers;
  int states = 0;                                        // of a sequence; blocks refer to them
  std::vector<float> rope_freqs, rope_long, rope_short;  // (rot / 2) divisors of frequencies, or empty
  std::uint64_t bytes = 0, parameters = 0;

  std::vector<std::vector<float>> floats;           // owns norms and biases
  std::vector<std::vector<std::int32_t>> integers;  // owns tables of numbers
  std::vector<Buffer> panels;                       // owns interleaved matrices
};

/// A walk over slots that shows each matrix to f(linear); one that the file lacks is left out.
template <class Function>
class LinearWalk : public MatricesAlone {
 public:
  explicit LinearWalk(const Function& f) : f_(f) {}

  template <class Any>
  void linear(const Slot&, Any& l) {
    if (!l.empty()) f_(l);
  }
  template <class Any>
  void fused(const Slot&, std::initializer_list<SlotPart<Any>> parts) {
    for (const auto& part : parts) linear(part.slot, *part.to);
  }
  template <class Any>
  void experts(const Slot& slot, int, Any& list) {
    for (auto& l : list) linear(slot, l);
  }
  template <class Any>
  void fused_experts(const Slot&, int count, std::initializer_list<SlotPart<Any>> parts) {
    for (const auto& part : parts) experts(part.slot, count, *part.to);
  }
  template <class Any, class Others>
  void either(const Slot& slot, Any& l, const Others& others) {
    linear(slot, l);
    others();
  }
  template <class Any>
  void slices(const Slot& slot, int, Any& list) {
    for (auto& l : list) linear(slot, l);
  }
  template <class Plan>
  void latent_heads(const Slot&, const Slot& key, const Slot& value, Plan& p) {
    experts(key, p.heads, p.k_b);
    experts(value, p.heads, p.v_b);
  }

 private:
  const Function& f_;
};

/// f(linear) for every matrix that is multiplied; an embedding that is only looked up is left out.
template <class AnyWeights, class Function>
void for_each_linear(AnyWeights& w, const Function& f) {
  LinearWalk walk(f);
  for (auto& layer : w.layers) walk_layer(layer, 0, walk);
  walk_slots(w.head, walk);
  if (!w.per_layer.projection.empty()) f(w.per_layer.projection);
  for (auto& l : w.streams.enter) f(l);
  for (auto& l : w.streams.leave) f(l);
  if (!w.streams.hyper.fn.empty()) f(w.streams.hyper.fn);
  if (!w.next_input.empty()) f(w.next_input.join);
  if (!w.output.empty()) f(w.output);
}

/// The name of the matrix of embeddings; its number of rows, which no metadata tells, is that of the tokens.
inline constexpr std::string_view kEmbedding = "token_embd";

/// And of that of learned positions.
inline constexpr std::string_view kPositions = "position_embd";

/// And of that of what tokens give every layer.
inline constexpr std::string_view kPerLayerEmbedding = "per_layer_token_embd";

/// And of the vectors of kinds of tokens, of which the first is that of a text.
inline constexpr std::string_view kTokenTypes = "token_types";

inline PoolingHead plan_head(const ModelConfig& c) {
  PoolingHead h;
  h.hidden = c.hidden;
  h.labels = std::max(1, int(c.pooling.labels.size()));
  h.wide = c.pooling.wide;
  h.narrow = c.pooling.narrow;
  h.score_norm = {c.arch->norm, c.norm_epsilon, nullptr, nullptr};
  return h;
}

inline PerLayerInputs plan_per_layer(const ModelConfig& c) {
  PerLayerInputs p;
  if (c.per_layer_width == 0) return p;
  p.width = c.per_layer_width;
  p.layers = int(c.layers.size());
  p.norm = {c.norm, c.norm_epsilon, nullptr, nullptr};
  return p;
}

/// Settles the numbers of what stands before and behind the layers.
inline void plan_ends(const ModelConfig& c, Weights& w) {
  const NormPlan norm{c.norm, c.norm_epsilon, nullptr, nullptr};
  if (!c.arch->output_norm.empty()) w.output_norm = norm;
  if (c.arch->embedding_norm) w.embedding_norm = norm;
  w.head = plan_head(c);
  w.per_layer = plan_per_layer(c);
  w.streams.count = c.streams;
  if (c.hyper_iterations > 0) {
    w.streams.hyper.streams = c.streams;
    w.streams.hyper.epsilon = c.hyper_epsilon;
    w.streams.hyper.norm = {Norm::rms, c.norm_epsilon, nullptr, nullptr};
  }
}

/// Shows the tensors behind the embedding that belong to no layer to a walk (see slots.h). walk.factors(slot,
/// values): divisors of frequencies, at least slot.out.
template <class AnyWeights, class Walk>
void walk_ends(const ModelConfig& c, AnyWeights& w, Walk& walk) {
  if (c.arch->norm_weights) {
    if (!w.output_norm.empty()) walk.norm({c.arch->output_norm, c.hidden}, w.output_norm);
    if (!w.embedding_norm.empty()) walk.norm({"token_embd_norm", c.hidden}, w.embedding_norm);
  }
  // What makes vectors needs no logits.
  if (c.embeds()) {
    walk.unused("output");
  } else {
    walk.linear({"output", c.vocab, c.hidden, Need::optional, MatrixRole::head, Split::outputs}, w.output);
  }
  walk_slots(w.head, walk);
  if (w.per_layer.width > 0) {
    walk.linear({"per_layer_model_proj", w.per_layer.values(), c.hidden}, w.per_layer.projection);
    walk.norm({"per_layer_proj_norm", w.per_layer.width}, w.per_layer.norm);
  }
  if (auto& end = w.streams.hyper; end.streams > 0) {
    walk.linear({"output_hc_fn", end.streams, std::int64_t{end.streams} * c.hidden}, end.fn);
    walk.vector({"output_hc_base", end.streams}, end.base);
    walk.vector({"output_hc_scale", 1}, end.scale);
  } else if (w.streams.count > 1) {
    walk.experts({"altup_proj", c.hidden, c.hidden}, w.streams.count - 1, w.streams.enter);
    walk.experts({"altup_unembd_proj", c.hidden, c.hidden}, w.streams.count - 1, w.streams.leave);
  }
  const int half = c.rope.rot / 2;
  walk.factors({"rope_freqs", half, 1, Need::optional}, w.rope_freqs);
  walk.factors({"rope_factors_long", half, 1, Need::optional}, w.rope_long);
  walk.factors({"rope_factors_short", half, 1, Need::optional}, w.rope_short);
}

/// Plans the layers, finds every tensor they ask for, checks its shape, and completes what only the tensors
/// tell: config.vocab. Throws Error: missing, shape, range (values of rope factors), unsupported (tensor
/// types, and tensors nobody asked for, naming them).
Weights load_weights(const Gguf& file, ModelConfig& config);

/// Bytes that repack() allocates.
std::size_t repacked_bytes(const Weights& weights);
/// Copies the matrices into the panel layout, in parallel, giving back each one's mapped pages once it is
/// copied. Throws Error: cancelled (progress returned false), no_memory.
void repack(Weights& weights, const Gguf& file, Team& team, const std::function<bool(float)>& progress);

}  // namespace longhand
