#include "loaders/model/next_head.h"

#include <fmt/format.h>

#include <algorithm>

#include "loaders/model/layers.h"
#include "loaders/model/tensors/slot_loader.h"

namespace longhand {
namespace {

// Whether a file of this configuration has prediction layers that can be run.
bool has_next_head(const ModelConfig& c) noexcept {
  return c.skipped_layers > 0 && c.arch->next_heads && std::ranges::any_of(c.layers, &LayerShape::attends);
}

void check(const Gguf& file, const ModelConfig& c) {
  if (has_next_head(c)) return;
  if (c.skipped_layers == 0)
    throw Error(Errc::unsupported, fmt::format("{}: the model has no prediction layers", file.name()));
  throw Error(Errc::unsupported, fmt::format("{}: prediction layers of architecture '{}' are not run",
                                             file.name(), file.architecture()));
}

// The block is one of those that attend.
ModelConfig head_config(const ModelConfig& trunk) {
  ModelConfig c = trunk;
  const auto last = std::find_if(trunk.layers.rbegin(), trunk.layers.rend(),
                                 [](const LayerShape& layer) { return layer.attends(); });
  c.layers.assign(1, *last);
  c.layers[0].kv_layer = -1;
  c.layers[0].may_have_experts = true;
  c.skipped_layers = c.shared_kv_layers = 0;
  return c;
}

// What comes in, and what leaves, where that is not the trunk's.
void load_ends(TensorReader& reader, SlotLoader& slots, const std::string& prefix, const ModelConfig& c,
               Weights& w) {
  const NormPlan norm{c.norm, c.norm_epsilon, nullptr, nullptr};
  w.next_input.token_norm = w.next_input.hidden_norm = norm;
  slots.linear({"nextn.eh_proj", c.hidden, 2 * std::int64_t{c.hidden}}, w.next_input.join);
  slots.norm({"nextn.enorm", c.hidden}, w.next_input.token_norm);
  slots.norm({"nextn.hnorm", c.hidden}, w.next_input.hidden_norm);
  NormPlan own = norm;
  slots.norm({"nextn.shared_head_norm", c.hidden, 1, Need::optional}, own);
  if (!own.empty()) w.output_norm = own;
  slots.linear({"nextn.shared_head_head", c.vocab, c.hidden, Need::optional, MatrixRole::head}, w.output);
  if (const TensorInfo* t = reader.find(prefix + "nextn.embed_tokens.weight")) {
    reader.check_shape(*t, {c.hidden, c.vocab});
    w.embedding = reader.rows_of(*t, 0, c.vocab, c.hidden);
  }
}

}  // namespace

NextHead load_next_head(const Gguf& file, const ModelConfig& config, const Weights& trunk) {
  check(file, config);
  NextHead head{head_config(config), {}};
  Weights& w = head.weights;
  TensorReader reader(file, w);
  w.embedding = trunk.embedding;
  w.output_norm = trunk.output_norm;
  w.rope_freqs = trunk.rope_freqs;
  w.rope_long = trunk.rope_long;
  w.rope_short = trunk.rope_short;
  const std::string prefix = fmt::format("blk.{}.", config.layers.size());
  SlotLoader slots(reader, config.attention, prefix);
  load_ends(reader, slots, prefix, config, w);
  w.layers = plan_layers(head.config, [&](const std::string& name) {
    constexpr std::string_view kFirst = "blk.0.";
    return reader.has(prefix + name.substr(kFirst.size()));
  });
  w.states = count_states(w.layers);
  walk_layer(w.layers[0], config.hidden, slots);
  return head;
}

}  // namespace longhand
