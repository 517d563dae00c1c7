// Models whose keys and values come out of one compressed vector.

#include <algorithm>
#include <cmath>

#include "loaders/model/arch.h"
#include "loaders/model/config_reader.h"

namespace longhand {
namespace {

void scale_by_key(ModelConfig& c) { c.attention_scale = 1 / std::sqrt(float(c.latent.key_dim)); }

// The numbers of the paper (MiniCPM, arXiv 2404.06395), which no file states.
void minicpm3(ModelConfig& c) {
  scale_by_key(c);
  c.embedding_scale = 12;
  c.residual_scale = 1.4f / std::sqrt(float(c.layers.size()));
  c.logit_scale = 256.0f / float(c.hidden);
}

// Layers without compressed keys have the common base, unstretched. In the others, yarn stretches angles and
// leaves lengths as they are.
void deepseek4(const ConfigReader& r, ModelConfig& c) {
  c.rope.local_base = c.rope.base;
  c.rope.base = r.number(key::compress_base, c.rope.base);
  c.rope.keeps_length = true;
  read_limits(r, key::expert_limits, &LayerShape::expert_limit, c);
  read_limits(r, r.has(key::dense_limits) ? key::dense_limits : key::expert_limits, &LayerShape::dense_limit,
              c);
  for (int il = 0; il < std::min(int(c.layers.size()), r.integer(key::hash_layers, 0)); ++il)
    c.layers[std::size_t(il)].listed_experts = true;
}

constexpr ArchSpec kArchs[] = {
    {.name = "minicpm3", .models = "MiniCPM3", .rope = Rope::halves, .latent = true, .quirk = minicpm3},
    {.name = "plm",
     .models = "PLM 1.8B",
     .latent = true,
     .act = Act::relu_squared,
     .gated = false,
     .quirk = scale_by_key},
    {.name = "deepseek4",
     .models = "DeepSeek V4",
     .compressed = true,
     .hyper = true,
     .indexed = Indexed::overlapping,
     .window = {.everywhere = true},
     .experts = {.gating = Gating::root_softplus, .limits_gate = true},
     .read = deepseek4},
};

}  // namespace

std::span<const ArchSpec> latent_family() noexcept { return kArchs; }

}  // namespace longhand
