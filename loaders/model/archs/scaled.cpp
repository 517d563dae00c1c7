// Llamas whose embeddings, sub-layers and logits are multiplied by numbers of the file.

#include <cmath>

#include "loaders/model/arch.h"
#include "loaders/model/config.h"

namespace longhand {
namespace {

// Old files lack the scales of the paper (MiniCPM, arXiv 2404.06395), whose logits are divided by
// hidden / 256.
void minicpm_scales(ModelConfig& c) {
  if (c.embedding_scale == 0) c.embedding_scale = 12;
  if (c.residual_scale == 0) c.residual_scale = 1.4f / std::sqrt(float(c.layers.size()));
  if (c.logit_scale == 0) c.logit_scale = 256.0f / float(c.hidden);
}

constexpr ArchSpec kArchs[] = {
    {.name = "granite", .models = "Granite 3, 4 dense", .logits_divided = true},
    {.name = "granitemoe", .models = "Granite 3 MoE", .logits_divided = true},
    {.name = "minicpm", .models = "MiniCPM 1, 2", .logits_divided = true, .quirk = minicpm_scales},
};

}  // namespace

std::span<const ArchSpec> scaled_family() noexcept { return kArchs; }

}  // namespace longhand
