#include "engine/run/sequence.h"

#include <fmt/format.h>

#include "ops/error.h"

namespace longhand {

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

Slice Sequence::next_slice(int count, int first_row) {
  states.will_write(remembered, remembered + count);
  return {states, positions, first_row, count, remembered};
}

}  // namespace longhand
