// Mamba and Kimi delta attention, alone and in turns with attention.

#include <algorithm>
#include <cmath>

#include "loaders/model/arch.h"
#include "loaders/model/config.h"

namespace longhand {
namespace {

// Granite 4 turns queries and keys only where the file does not say otherwise.
void rope_if_finetuned(ModelConfig& c) {
  if (c.rope.finetuned) return;
  for (LayerShape& layer : c.layers) layer.rope = false;
}

// PLaMo 2 scales scores by the size of values.
void scale_by_values(ModelConfig& c) {
  const auto attends = std::ranges::find_if(c.layers, &LayerShape::attends);
  if (attends != c.layers.end()) c.attention_scale = 1.0f / std::sqrt(float(attends->value_dim));
}

// Files of Nemotron-H with experts may leave their width to be guessed.
void nemotron_expert_width(ModelConfig& c) {
  if (c.expert_ff > 0 || c.experts == 0) return;
  for (const LayerShape& layer : c.layers) c.expert_ff = std::max(c.expert_ff, layer.ff / c.experts_used);
}

// Kimi Linear always normalises the weights of experts, and has a shared one unless it is said how many.
void kimi_linear(ModelConfig& c) {
  c.normalise_experts = true;
  if (c.shared_ff == 0) c.shared_ff = c.expert_ff;
  c.attention_scale = 1.0f / std::sqrt(float(c.latent.key_dim));
}

constexpr ArchSpec kArchs[] = {
    {.name = "mamba", .models = "Mamba", .rope = Rope::none, .mixer = Mixer::mamba, .single_block = true},
    {.name = "mamba2",
     .models = "Mamba-2, Codestral Mamba",
     .rope = Rope::none,
     .mixer = Mixer::mamba2,
     .single_block = true},
    {.name = "granitehybrid",
     .models = "Granite 4.0 H",
     .mixer = Mixer::mamba2,
     .logits_divided = true,
     .quirk = rope_if_finetuned},
    {.name = "falcon-h1",
     .models = "Falcon-H1",
     .rope = Rope::halves,
     .mixer = Mixer::mamba2,
     .beside_attention = true},
    {.name = "nemotron_h",
     .models = "Nemotron-H, Nemotron Nano 2",
     .ffn_norm = "attn_norm",
     .rope = Rope::none,
     .mixer = Mixer::mamba2,
     .single_block = true,
     .act = Act::relu_squared,
     .gated = false},
    {.name = "nemotron_h_moe",
     .models = "Nemotron 3 Nano",
     .ffn_norm = "attn_norm",
     .rope = Rope::none,
     .mixer = Mixer::mamba2,
     .single_block = true,
     .act = Act::relu_squared,
     .gated = false,
     .experts = {.gating = Gating::sigmoid, .normalise = false},
     .quirk = nemotron_expert_width},
    {.name = "jamba",
     .models = "Jamba",
     .rope = Rope::none,
     .mixer = Mixer::mamba_normed,
     .experts = {.normalise = false}},
    {.name = "plamo2",
     .models = "PLaMo 2",
     .place = NormPlace::sandwich,
     .qk_norm = QkNorm::own_per_head,
     .rope = Rope::halves,
     .mixer = Mixer::mamba_heads,
     .quirk = scale_by_values},
    {.name = "kimi-linear",
     .models = "Kimi Linear",
     .rope = Rope::none,
     .mixer = Mixer::kimi_delta,
     .latent = true,
     .experts = {.gating = Gating::sigmoid},
     .quirk = kimi_linear},
};

}  // namespace

std::span<const ArchSpec> mamba_family() noexcept { return kArchs; }

}  // namespace longhand
