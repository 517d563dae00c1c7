// Heads, widths and windows of each layer.

#include <algorithm>

#include "loaders/model/config_reader.h"

namespace longhand {
namespace {

constexpr std::int64_t kMostHeadValues = 1 << 22;

// Which layers have something else where others have attention.
std::vector<bool> layers_without_attention(const ConfigReader& r, const ModelConfig& c,
                                           const std::vector<int>& heads, const std::vector<int>& kv_heads) {
  const std::size_t n = c.layers.size();
  std::vector<bool> without(n, false);
  if (c.arch->mixer == Mixer::attention || c.arch->beside_attention) return without;
  const std::vector<std::int64_t> listed = r.file().get_ints(key::recurrent_layers);
  if (!listed.empty() && listed.size() < n)
    r.refuse(key::recurrent_layers,
             fmt::format("has {} values, must have one for each of {} layers", listed.size(), n));
  const int interval = r.integer(key::attention_interval, c.arch->attention_interval);
  for (std::size_t il = 0; il < n; ++il) {
    if (!listed.empty()) {
      without[il] = listed[il] != 0;
    } else if (interval > 0) {
      without[il] = (int(il) + 1) % interval != 0;
    } else {
      without[il] = kv_heads[il] == 0 || heads[il] == 0;
    }
  }
  return without;
}

void check_heads(const ConfigReader& r, const LayerShape& layer, int il) {
  if (layer.heads < 1)
    r.refuse(key::head_count, fmt::format("is {} for layer {}, must be at least 1", layer.heads, il));
  if (layer.kv_heads < 1 || layer.heads % layer.kv_heads != 0) {
    r.refuse(key::head_count_kv,
             fmt::format("is {} for layer {}, must divide the {} heads", layer.kv_heads, il, layer.heads));
  }
}

void read_heads(const ConfigReader& r, ModelConfig& c) {
  const int n = int(c.layers.size());
  const auto heads = r.per_layer(key::head_count, n, 0);
  const auto ff = r.per_layer(key::feed_forward_length, n, 0);
  // Architectures without any attention need not state heads.
  const bool needed =
      c.arch->mixer == Mixer::attention || c.arch->attention_interval > 0 || r.has(key::head_count_kv);
  if (needed && !r.has(key::head_count)) r.refuse(key::head_count, "is missing");
  const auto kv = r.has(key::head_count_kv) ? r.per_layer(key::head_count_kv, n, 0) : heads;
  const auto without = layers_without_attention(r, c, heads, kv);
  for (int il = 0; il < n; ++il) {
    const auto i = std::size_t(il);
    LayerShape& layer = c.layers[i];
    layer.ff = ff[i];
    if (c.arch->single_block && layer.ff > 0) {
      layer.mixer = Mixer::none;
      continue;
    }
    if (without[i]) {
      layer.mixer = c.arch->mixer == Mixer::matrix && heads[i] == 0 ? Mixer::none : c.arch->mixer;
      continue;
    }
    layer.heads = heads[i];
    layer.kv_heads = kv[i];
    check_heads(r, layer, il);
  }
}

// What latent attention remembers is one head's.
void read_latent(const ConfigReader& r, ModelConfig& c) {
  LatentConfig& l = c.latent;
  l.q_rank = r.integer(key::q_lora_rank, 0);
  l.rank = r.at_least_1(key::kv_lora_rank);
  l.key_dim = r.integer(key::key_length_mla, 0);
  if (l.key_dim == 0) l.key_dim = r.at_least_1(key::key_length);
  l.value_dim = r.integer(key::value_length_mla, 0);
  const auto first = std::ranges::find_if(c.layers, &LayerShape::attends);
  if (first == c.layers.end()) return;
  if (l.value_dim == 0) l.value_dim = r.integer(key::value_length, c.hidden / first->heads);
  if (l.value_dim == 0)
    r.refuse(key::head_count, fmt::format("is {}, more than embedding_length", first->heads));
  const int pe = r.integer(key::rope_dimensions);
  if (pe >= l.key_dim)
    r.refuse(key::rope_dimensions, fmt::format("is {}, must be less than a head's {}", pe, l.key_dim));
  for (LayerShape& layer : c.layers) {
    if (!layer.attends()) continue;
    layer.mixer = Mixer::latent;
    layer.kv_heads = 1;
    layer.head_dim = l.rank + pe;
    layer.value_dim = l.rank;
    layer.value_in_key = pe;
    if (std::int64_t{layer.heads} * std::max(layer.head_dim, l.key_dim) > kMostHeadValues)
      r.refuse(key::head_count, fmt::format("is {}: so many heads exceed 2^22 values", layer.heads));
  }
}

// The sizes of heads, of which layers with a window may have others.
void read_head_sizes(const ConfigReader& r, ModelConfig& c) {
  if (c.arch->latent) return read_latent(r, c);
  const auto first = std::ranges::find_if(c.layers, &LayerShape::attends);
  if (first == c.layers.end()) return;
  const int default_dim = c.arch->head_is_rotated ? r.integer(key::rope_dimensions) : c.hidden / first->heads;
  if (!r.has(key::key_length) && !c.arch->head_is_rotated && default_dim * first->heads != c.hidden) {
    r.refuse(key::head_count, fmt::format("is {}, must divide embedding_length {}", first->heads, c.hidden));
  }
  const int key_dim = r.integer(key::key_length, default_dim);
  const int value_dim = r.integer(
      key::value_length, r.has(key::key_length) && !r.has(key::value_length) ? key_dim : default_dim);
  const int local_key_dim = r.integer(key::key_length_swa, key_dim);
  const int local_value_dim = r.integer(key::value_length_swa, value_dim);
  for (LayerShape& layer : c.layers) {
    layer.head_dim = layer.window > 0 ? local_key_dim : key_dim;
    layer.value_dim = layer.window > 0 ? local_value_dim : value_dim;
    if (std::int64_t{layer.heads} * std::max(layer.head_dim, layer.value_dim) > kMostHeadValues) {
      r.refuse(key::key_length,
               fmt::format("is {}: {} heads of it exceed 2^22", layer.head_dim, layer.heads));
    }
  }
}

bool is_local(const WindowSpec& spec, std::int64_t period, std::int64_t il) {
  if (period == 0) return true;
  return spec.full_first ? il % period != 0 : il % period < period - 1;
}

void read_windows(const ConfigReader& r, ModelConfig& c) {
  const WindowSpec& spec = c.arch->window;
  if (spec.period == 0 && !spec.everywhere) return;
  const int width = r.integer(key::sliding_window, spec.width);
  if (width == 0) return;
  const std::vector<std::int64_t> pattern = r.file().get_ints(key::sliding_pattern);
  if (pattern.size() > 1 && pattern.size() < c.layers.size()) {
    r.refuse(key::sliding_pattern,
             fmt::format("has {} values, must be one number or one for each of {} layers", pattern.size(),
                         c.layers.size()));
  }
  const std::int64_t period = pattern.size() == 1 ? pattern[0] : spec.period;
  for (std::size_t il = 0; il < c.layers.size(); ++il) {
    LayerShape& layer = c.layers[il];
    const bool local = pattern.size() > 1 ? pattern[il] != 0 : is_local(spec, period, std::int64_t(il));
    layer.window = local ? width : 0;
    layer.local_rope = local && spec.local_rope;
    if (!local && spec.rope_only_local) layer.rope = false;
  }
}

// Networks whose gates let only the largest values through.
void read_gate_cuts(const ConfigReader& r, ModelConfig& c) {
  const std::vector<double> cuts = r.file().get_floats(key::gate_cuts);
  if (cuts.empty()) return;
  if (cuts.size() < c.layers.size())
    r.refuse(key::gate_cuts,
             fmt::format("has {} values, must have one for each of {} layers", cuts.size(), c.layers.size()));
  for (std::size_t il = 0; il < c.layers.size(); ++il) c.layers[il].gate_cut = float(cuts[il]);
}

// Layers that share keys and values read those of the last earlier layer of their kind.
void read_sharing(const ConfigReader& r, ModelConfig& c) {
  const int layers = int(c.layers.size()), own_layers = c.arch->own_kv_layers;
  c.shared_kv_layers =
      r.integer(key::shared_kv_layers, own_layers == 0 ? 0 : std::max(0, layers - own_layers));
  const int own = layers - c.shared_kv_layers;
  for (int il = std::max(own, 0); il < int(c.layers.size()); ++il) {
    LayerShape& layer = c.layers[std::size_t(il)];
    for (int from = 0; from < own; ++from) {
      if (c.layers[std::size_t(from)].window == layer.window) layer.kv_layer = from;
    }
    const LayerShape* source = layer.kv_layer < 0 ? nullptr : &c.layers[std::size_t(layer.kv_layer)];
    if (source == nullptr || !source->attends() || source->kv_heads != layer.kv_heads) {
      r.refuse(key::shared_kv_layers,
               fmt::format("is {}: layer {} has no earlier layer of its shape to share with",
                           c.shared_kv_layers, il));
    }
  }
}

}  // namespace

void read_layers(const ConfigReader& r, ModelConfig& c) {
  read_heads(r, c);
  read_windows(r, c);
  read_head_sizes(r, c);
  read_compressed(r, c);
  read_sharing(r, c);
  read_gate_cuts(r, c);
  for (std::size_t il = 0; il < c.layers.size(); ++il) {
    LayerShape& layer = c.layers[il];
    layer.qk_norm = c.arch->qk_norm;
    if (c.arch->rope == Rope::none) layer.rope = false;
    if (c.arch->no_rope_every > 0 && (int(il) + 1) % c.arch->no_rope_every == 0) layer.rope = false;
  }
}

}  // namespace longhand
