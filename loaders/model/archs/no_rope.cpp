// Models that know the order of their tokens by other means than rotation: vectors of positions, or scores
// that fall with the distance.

#include "loaders/model/arch.h"
#include "loaders/model/config.h"

namespace longhand {
namespace {

constexpr float kAlibi = 8;

// The 13B models, known by their number of layers, have no rotation.
void baichuan_alibi(ModelConfig& c) {
  constexpr std::size_t kLayersOf13b = 40;
  if (c.layers.size() != kLayersOf13b) return;
  c.alibi = kAlibi;
  for (LayerShape& layer : c.layers) layer.rope = false;
}

// Trained in the parametrisation of Yang et al. 2022 (arXiv 2203.03466), with scores over the head size, not
// its root.
void scores_by_head_size(ModelConfig& c) { c.attention_scale = 1.0f / float(c.layers[0].head_dim); }

constexpr ArchSpec kArchs[] = {
    {.name = "gpt2",
     .models = "GPT-2, Cerebras-GPT",
     .norm = Norm::layer,
     .learned_positions = true,
     .rope = Rope::none,
     .act = Act::gelu,
     .gated = false},
    {.name = "starcoder",
     .models = "StarCoder 1",
     .norm = Norm::layer,
     .learned_positions = true,
     .rope = Rope::none,
     .act = Act::gelu,
     .gated = false},
    {.name = "bloom",
     .models = "BLOOM, BLOOMZ",
     .norm = Norm::layer,
     .embedding_norm = true,
     .alibi = kAlibi,
     .rope = Rope::none,
     .act = Act::gelu,
     .gated = false},
    {.name = "mpt",
     .models = "MPT",
     .norm = Norm::layer,
     .rope = Rope::none,
     .act = Act::gelu,
     .gated = false},
    {.name = "refact", .models = "Refact 1.6B", .alibi = kAlibi, .rope = Rope::none},
    {.name = "jais", .models = "Jais", .norm = Norm::layer, .rope = Rope::none, .quirk = scores_by_head_size},
    {.name = "baichuan", .models = "Baichuan 1, 2", .quirk = baichuan_alibi},
};

}  // namespace

std::span<const ArchSpec> no_rope_family() noexcept { return kArchs; }

}  // namespace longhand
