// THE file for a new model: one entry per architecture.

#include <cmath>

#include "loaders/arch.h"
#include "loaders/config.h"

namespace longhand {
namespace {

// The 27B models, known by their number of layers, scale queries by hidden size per head, not head size.
template <std::size_t layers_of_27b>
void gemma_query_scale(ModelConfig& c) {
  if (c.layers.size() != layers_of_27b) return;
  c.attention_scale = 1.0f / std::sqrt(float(c.hidden) / float(c.layers[0].heads));
}

// OLMo-3 stretches only the layers that see everything; its window layers keep the same base unstretched.
void olmo_local_base(ModelConfig& c) { c.rope.local_base = c.rope.base; }

// Old files lack the scales of the paper (MiniCPM, arXiv 2404.06395), whose logits are divided by
// hidden / 256.
void minicpm_scales(ModelConfig& c) {
  if (c.embedding_scale == 0) c.embedding_scale = 12;
  if (c.residual_scale == 0) c.residual_scale = 1.4f / std::sqrt(float(c.layers.size()));
  if (c.logit_scale == 0) c.logit_scale = 256.0f / float(c.hidden);
}

constexpr ArchSpec kArchs[] = {
    {.name = "llama"},
    {.name = "mistral3"},
    {.name = "smollm3", .no_rope_every = 4},
    {.name = "internlm2"},
    {.name = "ernie4_5"},
    {.name = "granite", .logits_divided = true},
    {.name = "granitemoe", .logits_divided = true},
    {.name = "minicpm", .logits_divided = true, .quirk = minicpm_scales},
    {.name = "qwen2", .rope = Rope::halves},
    {.name = "qwen2moe", .rope = Rope::halves, .experts = {.normalise = false}},
    {.name = "qwen3", .qk_norm = QkNorm::per_head, .rope = Rope::halves},
    {.name = "qwen3moe", .qk_norm = QkNorm::per_head, .rope = Rope::halves},
    {.name = "olmo2",
     .place = NormPlace::post,
     .qk_norm = QkNorm::full_width,
     .rope = Rope::halves,
     .window = {.period = 4, .local_rope = true},
     .quirk = olmo_local_base},
    {.name = "olmoe", .qk_norm = QkNorm::full_width, .rope = Rope::halves, .experts = {.normalise = false}},
    {.name = "phi3", .rope = Rope::halves},
    {.name = "gemma", .rope = Rope::halves, .act = Act::gelu, .sqrt_embedding = true},
    {.name = "gemma2",
     .place = NormPlace::sandwich,
     .rope = Rope::halves,
     .act = Act::gelu,
     .window = {.period = 2, .width = 4096},
     .sqrt_embedding = true,
     .attention_softcap = 50,
     .final_softcap = 30,
     .quirk = gemma_query_scale<46>},
    {.name = "gemma3",
     .place = NormPlace::sandwich,
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .act = Act::gelu,
     .window = {.period = 6, .local_rope = true},
     .sqrt_embedding = true,
     .quirk = gemma_query_scale<62>},
    {.name = "glm4", .place = NormPlace::sandwich},
    {.name = "command-r",
     .norm = Norm::layer,
     .qk_norm = QkNorm::own_per_head,
     .residual = Residual::parallel},
    {.name = "cohere2",
     .norm = Norm::layer,
     .residual = Residual::parallel,
     .window = {.period = 4, .rope_only_local = true}},
    {.name = "starcoder2", .norm = Norm::layer, .rope = Rope::halves, .act = Act::gelu, .gated = false},
    {.name = "stablelm",
     .norm = Norm::layer,
     .qk_norm = QkNorm::own_per_head,
     .residual = Residual::by_ffn_norm,
     .rope = Rope::halves},
    {.name = "nemotron", .norm = Norm::layer, .rope = Rope::halves, .act = Act::relu_squared, .gated = false},
    {.name = "phi2",
     .norm = Norm::layer,
     .residual = Residual::parallel,
     .rope = Rope::halves,
     .act = Act::gelu,
     .gated = false},
};

}  // namespace

const ArchSpec* find_arch(std::string_view name) noexcept {
  for (const ArchSpec& spec : kArchs) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

std::string known_archs() {
  std::string names;
  for (const ArchSpec& spec : kArchs) names += (names.empty() ? "" : ", ") + std::string(spec.name);
  return names;
}

}  // namespace longhand
