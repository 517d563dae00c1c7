// Large mixtures of experts.

#include <cmath>

#include "loaders/model/arch.h"
#include "loaders/model/config_reader.h"

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

// Grok-1's numbers, which its files do not state.
void grok_scales(const ConfigReader& r, ModelConfig& c) {
  c.embedding_scale = r.number(key::embedding_scale, 78.38367176906169);
  c.attention_scale = r.number(key::attention_output_scale, 0.08838834764831845);
  c.logit_scale = r.number(key::logit_scale, 0.5773502691896257);
  c.rope.beta_fast = r.number(key::yarn_beta_fast, 8);
}

constexpr ArchSpec kArchs[] = {
    {.name = "gpt-oss",
     .models = "gpt-oss-20b, 120b",
     .ffn_norm = "post_attention_norm",
     .rope = Rope::halves,
     .act = Act::swiglu_oai,
     .window = {.period = 2},
     .experts = {.gating = Gating::softmax_selected, .normalise = false}},
    {.name = "deepseek2",
     .models = "DeepSeek V2, V3, R1, Kimi K2, GLM-4.7-Flash",
     .latent = true,
     .experts = {.normalise = false},
     .quirk = latent_scale,
     .next_heads = true},
    {.name = "mistral4",
     .models = "Mistral Small 4",
     .latent = true,
     .experts = {.normalise = false},
     .quirk = latent_scale},
    {.name = "deepseek32",
     .models = "DeepSeek V3.2",
     .latent = true,
     .indexed = Indexed::all,
     .experts = {.gating = Gating::sigmoid, .normalise = false},
     .quirk = latent_scale,
     .next_heads = true},
    {.name = "glm-dsa",
     .models = "GLM-5",
     .latent = true,
     .indexed = Indexed::by_tensor,
     .experts = {.gating = Gating::sigmoid, .normalise = false},
     .quirk = latent_scale},
    {.name = "minimax-m3",
     .models = "MiniMax M3",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .indexed = Indexed::behind_dense,
     .act = Act::swiglu_oai,
     .experts = {.gating = Gating::sigmoid, .normalise = false}},
    {.name = "glm4moe",
     .models = "GLM-4.5, 4.6, 4.7",
     .ffn_norm = "post_attention_norm",
     .qk_norm = QkNorm::per_head_optional,
     .rope = Rope::halves,
     .experts = {.gating = Gating::sigmoid, .normalise = false},
     .next_heads = true},
    {.name = "minimax-m2",
     .models = "MiniMax M2",
     .qk_norm = QkNorm::full_width,
     .rope = Rope::halves,
     .experts = {.gating = Gating::sigmoid}},
    {.name = "ernie4_5-moe", .models = "ERNIE 4.5 21B-A3B"},
    {.name = "deepseek", .models = "DeepSeek-MoE 16B", .experts = {.normalise = false}},
    {.name = "deepseek2-ocr",
     .models = "DeepSeek-OCR, its text",
     .rope = Rope::halves,
     .experts = {.normalise = false}},
    {.name = "dots1",
     .models = "dots.llm1",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .experts = {.gating = Gating::sigmoid, .normalise = false}},
    {.name = "bailingmoe", .models = "Ling Lite 1", .head_is_rotated = true, .experts = {.normalise = false}},
    {.name = "bailingmoe2",
     .models = "Ling 2, Ring 2",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .experts = {.gating = Gating::sigmoid, .normalise = false, .shared_each = true}},
    {.name = "qwen3vlmoe",
     .models = "Qwen3-VL-30B-A3B, its text",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .experts = {.parts_of_dense = true},
     .sections_interleaved = true},
    {.name = "grovemoe",
     .models = "GroveMoE",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .experts = {.parts_of_dense = true, .chunks = true}},
    {.name = "hunyuan-moe",
     .models = "Hunyuan-A13B",
     .qk_norm = QkNorm::per_head_turned,
     .rope = Rope::halves},
    {.name = "dbrx",
     .models = "DBRX",
     .norm = Norm::layer,
     .ffn_norm = "attn_output_norm",
     .rope = Rope::halves},
    {.name = "hy_v3",
     .models = "Hunyuan 3",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .experts = {.gating = Gating::sigmoid, .normalise = false}},
    {.name = "grok",
     .models = "Grok-1, Grok-2",
     .place = NormPlace::sandwich,
     .attention_post_norm = "attn_output_norm",
     .rope = Rope::halves,
     .beside = DenseBeside::same_norm,
     .act = Act::gelu,
     .attention_softcap = 30,
     .read = grok_scales},
    {.name = "arctic", .models = "Snowflake Arctic", .beside = DenseBeside::layer_input},
};

}  // namespace

std::span<const ArchSpec> experts_family() noexcept { return kArchs; }

}  // namespace longhand
