// The numbers of indexers.

#include "loaders/model/config_reader.h"

namespace longhand {
namespace {

void check_kv_heads(const ConfigReader& r, const ModelConfig& c) {
  for (const LayerShape& layer : c.layers) {
    if (layer.kv_heads == c.indexer.heads || !layer.may_have_experts) continue;
    r.refuse(key::indexer_heads, fmt::format("is {}, must be the {} heads of keys that it chooses for",
                                             c.indexer.heads, layer.kv_heads));
  }
}

}  // namespace

void read_indexer(const ConfigReader& r, ModelConfig& c) {
  const Indexed indexed = c.arch->indexed;
  if (indexed == Indexed::none || (indexed == Indexed::by_tensor && !r.has(key::indexer_heads))) return;
  IndexerConfig& i = c.indexer;
  i.heads = r.at_least_1(key::indexer_heads);
  i.width = r.at_least_1(key::indexer_key_length);
  i.top = r.at_least_1(key::indexer_top_k);
  if (i.width < c.rope.rot)
    r.refuse(key::indexer_key_length,
             fmt::format("is {}, less than the {} dimensions that are rotated", i.width, c.rope.rot));
  if ((c.arch->latent || c.arch->compressed) && c.latent.q_rank == 0)
    r.refuse(key::q_lora_rank, "is missing or 0: an indexer reads compressed queries");
  if (indexed != Indexed::behind_dense) return;
  i.block = r.at_least_1(key::indexer_block);
  i.local = r.integer(key::indexer_local, 1);
  if (i.local > i.top)
    r.refuse(key::indexer_local, fmt::format("is {}, more than the {} blocks in all", i.local, i.top));
  check_kv_heads(r, c);
}

}  // namespace longhand
