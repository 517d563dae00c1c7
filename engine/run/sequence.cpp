#include "engine/run/sequence.h"

#include <fmt/format.h>

#include "engine/state/attention/kinds.h"
#include "engine/state/cache_type.h"
#include "engine/types/limits.h"
#include "loaders/vocab/vocab.h"
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

// The position behind all of a text's. A token's own is behind all before it, an embedding's need not be.
std::int32_t after_all(const std::vector<TokenPosition>& places, std::span<const Token> tokens) {
  std::int32_t next = 0;
  for (std::size_t i = places.size(); i-- > 0;) {
    const TokenPosition& p = places[i];
    next = std::max({next, p.t + 1, p.h + 1, p.w + 1});
    if (tokens[i] != kNoToken) break;
  }
  return next;
}

// Whether layers read what tokens are, beside the stream, or count them in blocks.
bool needs_tokens(const Weights& weights) {
  bool needs = weights.per_layer.width > 0 || !weights.positions.empty();
  for (const LayerPlan& layer : weights.layers) {
    for_each_block<MoePlan>(layer, [&](const MoePlan& plan) { needs = needs || plan.by_token != nullptr; });
    for_each_attention(layer, [&](const AttentionCore& core) { needs = needs || core.ratio > 0; });
  }
  return needs;
}

void check_position(const ModelConfig& config, const TokenPosition& p) {
  if (std::min({p.t, p.h, p.w}) < 0 || std::max({p.t, p.h, p.w}) >= kMaxContext)
    throw Error(Errc::range,
                fmt::format("position ({}, {}, {}) must be of 0..{}", p.t, p.h, p.w, kMaxContext - 1));
  if (config.rope.sections[0] == 0 && (p.t != p.h || p.t != p.w))
    throw Error(Errc::range, fmt::format("position ({}, {}, {}): this model's positions are one number each",
                                         p.t, p.h, p.w));
}

}  // namespace

Sequence::Sequence(const ModelCore& m, const SessionOptions& o)
    : model(m),
      options(o),
      sizes(choose_sizes(m, o)),
      adaptation(make_adaptation(m, o.adapters, o.control_vectors)),
      states(new_states()),
      positions(m.config, m.weights, o, far_positions(sizes.plan), sizes.context) {
  states.reserve();
}

Sequence::Sequence(const Sequence& other)
    : model(other.model),
      options(other.options),
      sizes(other.sizes),
      adaptation(other.adaptation),
      states(new_states()),
      positions(other.positions),
      tokens(other.tokens),
      places(other.places),
      embeddings(other.embeddings),
      remembered(other.remembered) {
  states.copy(other.states, remembered);
}

States Sequence::new_states() const {
  return {model.config, model.weights, options, sizes.plan, sizes.context, sizes.batch};
}

WorkspaceSizes Sequence::needs() const noexcept {
  return {.rows = sizes.batch,
          .workers = sizes.threads.most(),
          .memory_scratch = states.scratch_bytes(),
          .attention_parts = states.most_parts(),
          .far_queries = far_positions(sizes.plan).used,
          .low_columns = adaptation == nullptr ? 0 : adaptation->low_columns(),
          .adapters = adaptation == nullptr ? 0 : int(adaptation->uses.size()),
          .packed_cache = packs_cache(options)};
}

void check_tokens(std::span<const Token> tokens, int vocab) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] < 0 || tokens[i] >= vocab)
      throw Error(Errc::range, fmt::format("token {} at index {} must be 0..{}", tokens[i], i, vocab - 1));
  }
}

void Sequence::check(std::span<const Token> added) const {
  if (added.empty()) throw Error(Errc::range, "no tokens to feed; at least one is needed");
  if (added.size() > std::size_t(sizes.context) - tokens.size()) {
    throw Error(Errc::context_full,
                fmt::format("{} tokens do not fit: the context holds {}, of which {} are used", added.size(),
                            sizes.context, tokens.size()));
  }
  check_tokens(added, model.config.vocab);
}

void Sequence::append(std::span<const Token> added) {
  tokens.insert(tokens.end(), added.begin(), added.end());
  if (places.empty()) return;
  const std::int32_t next = after_all(places, tokens);
  for (std::int32_t i = 0; i < std::int32_t(added.size()); ++i) {
    const std::int32_t at = next + i;
    places.push_back({at, at, at});
  }
}

void Sequence::append(const Embeddings& added) {
  const auto n = std::size_t(model.config.hidden);
  const int begin = int(tokens.size()), count = int(added.values.size() / n);
  for (std::int32_t i = std::int32_t(places.size()); i < begin; ++i) places.push_back({i, i, i});
  const std::int32_t next = after_all(places, tokens);
  for (std::int32_t i = 0; i < count; ++i) {
    const std::int32_t at = next + i;
    places.push_back(added.positions.empty() ? TokenPosition{at, at, at} : added.positions[std::size_t(i)]);
  }
  embeddings.push_back({begin, begin + count, {added.values.begin(), added.values.end()}});
  tokens.resize(std::size_t(begin + count), kNoToken);
}

void Sequence::shorten(std::size_t size) {
  tokens.resize(size);
  if (places.empty()) return;
  while (!embeddings.empty() && embeddings.back().begin >= int(size)) embeddings.pop_back();
  if (!embeddings.empty()) embeddings.back().end = std::min(embeddings.back().end, int(size));
  places.resize(embeddings.empty() ? 0 : size);
}

const float* Sequence::inputs_at(int position, int* count) const noexcept {
  for (const Stretch& s : embeddings) {
    if (position < s.begin) {
      *count = std::min(*count, s.begin - position);
      return nullptr;
    }
    if (position >= s.end) continue;
    *count = std::min(*count, s.end - position);
    return s.values.data() + std::ptrdiff_t(position - s.begin) * model.config.hidden;
  }
  return nullptr;
}

Sequence::Again::Again(const Sequence& sequence, int position)
    : token(sequence.tokens[std::size_t(position)]),
      slice{sequence.states,
            sequence.positions,
            0,
            1,
            position,
            sequence.places.empty() ? nullptr : sequence.places.data() + position,
            sequence.adaptation.get()} {
  int one = 1;
  inputs = sequence.inputs_at(position, &one);
}

void Sequence::check(const Embeddings& added) const {
  const auto n = std::size_t(model.config.hidden);
  if (added.values.empty() || added.values.size() % n != 0)
    throw Error(Errc::range, fmt::format("{} values are no embeddings of {} each", added.values.size(), n));
  const std::size_t count = added.values.size() / n;
  if (count > std::size_t(sizes.context) - tokens.size())
    throw Error(Errc::context_full,
                fmt::format("{} embeddings do not fit: the context holds {} tokens, of which {} are used",
                            count, sizes.context, tokens.size()));
  if (needs_tokens(model.weights))
    throw Error(Errc::unsupported,
                "this model looks at tokens in every layer: embeddings cannot replace them");
  if (sizes.plan.kind != find_memory("full"))
    throw Error(Errc::unsupported,
                fmt::format("attention.memory {} knows no positions but a text's own: embeddings need full",
                            sizes.plan.kind->name));
  if (added.positions.empty()) return;
  if (added.positions.size() != count)
    throw Error(Errc::range, fmt::format("{} positions for {} embeddings", added.positions.size(), count));
  for (const TokenPosition& p : added.positions) check_position(model.config, p);
}

bool Sequence::cut(int from, int to) {
  const Cut cut{from, to, remembered};
  const bool learned = !model.weights.positions.empty();  // a token's own, which no rotation can change
  if (learned || has_embeddings() || !states.can_cut() || remembered < int(tokens.size())) return false;
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
  return {states,          positions,  first_row,
          count,           remembered, places.empty() ? nullptr : places.data() + remembered,
          adaptation.get()};
}

}  // namespace longhand
