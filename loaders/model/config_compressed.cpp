// The numbers of attention with compressed keys, and of streams with hyper-connections.

#include "loaders/model/config_reader.h"

namespace longhand {

// Layers without compressed keys have a window, and a base of their own that no scaling stretches.
void read_compressed(const ConfigReader& r, ModelConfig& c) {
  if (!c.arch->compressed) return;
  const int near = r.at_least_1(key::sliding_window), n = int(c.layers.size());
  if (!r.has(key::compress_ratios)) r.refuse(key::compress_ratios, "is missing", Errc::missing);
  const std::vector<int> ratios = r.per_layer(key::compress_ratios, n, 0);
  c.latent.q_rank = r.at_least_1(key::q_lora_rank);
  c.compressed = {r.integer(key::output_groups), r.integer(key::output_rank)};
  for (int il = 0; il < n; ++il) {
    LayerShape& layer = c.layers[std::size_t(il)];
    layer.mixer = Mixer::compressed;
    layer.value_in_key = 0;
    layer.ratio = ratios[std::size_t(il)];
    layer.near = layer.ratio > 0 ? near : 0;
    layer.window = layer.ratio > 0 ? 0 : near;
    layer.local_rope = layer.ratio == 0;
    if (layer.kv_heads != 1)
      r.refuse(key::head_count_kv,
               fmt::format("is {} for layer {}, must be 1: all heads share one key", layer.kv_heads, il));
    if (layer.value_dim != layer.head_dim)
      r.refuse(key::value_length, fmt::format("is {}, must be the {} of keys, which are values too",
                                              layer.value_dim, layer.head_dim));
    if (layer.heads % c.compressed.groups != 0)
      r.refuse(key::output_groups, fmt::format("is {}, must divide the {} heads of layer {}",
                                               c.compressed.groups, layer.heads, il));
  }
}

void read_hyper(const ConfigReader& r, ModelConfig& c) {
  if (!c.arch->hyper) return;
  c.streams = r.integer(key::hyper_count);
  c.hyper_iterations = r.integer(key::hyper_iterations);
  c.hyper_epsilon = r.number(key::hyper_epsilon, 0);
}

}  // namespace longhand
