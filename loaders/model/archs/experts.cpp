// Large mixtures of experts.

#include <cmath>

#include "loaders/model/arch.h"
#include "loaders/model/config.h"

namespace longhand {
namespace {

// DeepSeek-V2 (arXiv 2405.04434) multiplies scores by the square of yarn's magnitude with a multiplier of its
// own, and leaves the rotation's at 1. Files state a tenth of the multiplier.
void latent_scale(ModelConfig& c) {
  const double factor = c.rope.rule == RopeScalingRule::yarn ? c.rope.factor : 1;
  const double growth = factor > 1 ? 0.1 * std::log(factor) : 0;
  double magnitude = c.rope.attn_factor * (1 + 10 * c.rope.log_multiplier * growth);
  if (c.rope.log_multiplier == 0) {
    magnitude *= 1 + growth;
  } else {
    c.rope.log_multiplier = 1;
  }
  c.attention_scale = float(magnitude * magnitude / std::sqrt(double(c.latent.key_dim)));
}

constexpr ArchSpec kArchs[] = {
    {.name = "gpt-oss",
     .ffn_norm = "post_attention_norm",
     .rope = Rope::halves,
     .act = Act::swiglu_oai,
     .window = {.period = 2},
     .experts = {.gating = Gating::softmax_selected, .normalise = false}},
    {.name = "deepseek2", .latent = true, .experts = {.normalise = false}, .quirk = latent_scale},
    {.name = "glm4moe",
     .ffn_norm = "post_attention_norm",
     .qk_norm = QkNorm::per_head_optional,
     .rope = Rope::halves,
     .experts = {.gating = Gating::sigmoid}},
    {.name = "minimax-m2",
     .qk_norm = QkNorm::full_width,
     .rope = Rope::halves,
     .experts = {.gating = Gating::sigmoid}},
    {.name = "ernie4_5-moe"},
};

}  // namespace

std::span<const ArchSpec> experts_family() noexcept { return kArchs; }

}  // namespace longhand
