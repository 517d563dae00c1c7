// Dense models whose keys and values come out of one compressed vector.

#include <cmath>

#include "loaders/model/arch.h"
#include "loaders/model/config.h"

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

constexpr ArchSpec kArchs[] = {
    {.name = "minicpm3", .models = "MiniCPM3", .rope = Rope::halves, .latent = true, .quirk = minicpm3},
    {.name = "plm",
     .models = "PLM 1.8B",
     .latent = true,
     .act = Act::relu_squared,
     .gated = false,
     .quirk = scale_by_key},
};

}  // namespace

std::span<const ArchSpec> latent_family() noexcept { return kArchs; }

}  // namespace longhand
