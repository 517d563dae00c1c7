// Llama and those that differ from it in a few facts: root-mean-square norms before gated networks.

#include <algorithm>
#include <cmath>

#include "loaders/model/arch.h"
#include "loaders/model/config_reader.h"

namespace longhand {
namespace {

// OLMo-3 stretches only the layers that see everything; its window layers keep the same base unstretched.
void olmo_local_base(ModelConfig& c) { c.rope.local_base = c.rope.base; }

// The multimodal models pair dimensions otherwise.
void glm_pairs(ModelConfig& c) {
  if (c.rope.sections[0] > 0) c.pairs = Rope::halves;
}

double softplus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

// Files keep the parameters as they were trained; what is computed with must be positive.
void read_xielu(const ConfigReader& r, ModelConfig& c) {
  const int n = int(c.layers.size());
  const auto positive = r.numbers_per_layer(key::xielu_alpha_p, n);
  const auto negative = r.numbers_per_layer(key::xielu_alpha_n, n);
  const auto beta = r.numbers_per_layer(key::xielu_beta, n), least = r.numbers_per_layer(key::xielu_eps, n);
  for (std::size_t il = 0; il < c.layers.size(); ++il) {
    c.layers[il].xielu = {.positive = float(softplus(double(positive[il]))),
                          .negative = float(double(beta[il]) + softplus(double(negative[il]))),
                          .linear = beta[il],
                          .least = least[il]};
  }
}

// The 32B model, known by its number of layers, has windows also where its file does not say so.
void exaone_windows(ModelConfig& c) {
  constexpr std::size_t kLayers = 64, kPeriod = 4;
  const bool stated = std::ranges::any_of(c.layers, [](const LayerShape& l) { return l.window > 0; });
  if (c.layers.size() != kLayers || stated) return;
  for (std::size_t il = 0; il < kLayers; ++il) {
    const bool local = il % kPeriod < kPeriod - 1;
    c.layers[il].window = local ? 4096 : 0;
    c.layers[il].rope = local;
  }
}

// Its larger model has norms behind attention and network instead of before them.
void chameleon(const ConfigReader& r, ModelConfig& c) {
  if (r.file().get_bool(key::swin_norm).value_or(false)) c.place = NormPlace::post;
}

constexpr ArchSpec kArchs[] = {
    {.name = "chameleon",
     .models = "Chameleon 7B, 34B, their text",
     .qk_norm = QkNorm::own_layer_norm,
     .read = chameleon},
    {.name = "cogvlm", .models = "CogVLM, its text", .rope = Rope::halves},
    {.name = "llama", .models = "Llama 1 to 3.3, Mistral 7B, Mixtral, SmolLM, TinyLlama, Yi"},
    {.name = "mistral3", .models = "Ministral 3"},
    {.name = "smollm3", .models = "SmolLM3", .no_rope_every = 4},
    {.name = "internlm2", .models = "InternLM 2 to 3"},
    {.name = "ernie4_5", .models = "ERNIE 4.5 0.3B"},
    {.name = "xverse", .models = "XVERSE"},
    {.name = "arcee", .models = "AFM 4.5B", .act = Act::relu_squared, .gated = false},
    {.name = "phi3", .models = "Phi-3, Phi-3.5 mini, Phi-4", .rope = Rope::halves},
    {.name = "exaone", .models = "EXAONE 3, 3.5", .rope = Rope::halves},
    {.name = "pangu-embedded", .models = "openPangu Embedded", .rope = Rope::halves},
    {.name = "paddleocr", .models = "PaddleOCR-VL, its text", .rope = Rope::halves},
    {.name = "seed_oss", .models = "Seed-OSS 36B", .ffn_norm = "post_attention_norm", .rope = Rope::halves},
    {.name = "maincoder", .models = "Maincoder", .qk_norm = QkNorm::per_head_turned},
    {.name = "bitnet", .models = "BitNet b1.58", .sub_norms = true, .rope = Rope::halves},
    {.name = "deci", .models = "Llama-3.1-Nemotron Super, Ultra", .mixer = Mixer::matrix},
    {.name = "openelm", .models = "OpenELM", .qk_norm = QkNorm::per_head, .rope = Rope::halves},
    {.name = "chatglm", .models = "ChatGLM3, GLM-4-9B-chat"},
    {.name = "glm4", .models = "GLM-4-0414, GLM-4.1V", .place = NormPlace::sandwich, .quirk = glm_pairs},
    {.name = "olmo2",
     .models = "OLMo 2, OLMo 3",
     .place = NormPlace::post,
     .qk_norm = QkNorm::full_width,
     .rope = Rope::halves,
     .window = {.period = 4, .local_rope = true},
     .quirk = olmo_local_base},
    {.name = "exaone4",
     .models = "EXAONE 4.0",
     .place = NormPlace::post,
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .window = {.period = 4, .rope_only_local = true},
     .quirk = exaone_windows},
    {.name = "apertus",
     .models = "Apertus",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .gated = false,
     .read = read_xielu},
    {.name = "talkie",
     .models = "talkie",
     .norm_weights = false,
     .embedding_norm = true,
     .adds_embedding = true,
     .qk_norm = QkNorm::head_scales,
     .rope = Rope::halves},
    {.name = "olmoe",
     .models = "OLMoE",
     .qk_norm = QkNorm::full_width,
     .rope = Rope::halves,
     .experts = {.normalise = false}},
};

}  // namespace

std::span<const ArchSpec> llama_family() noexcept { return kArchs; }

}  // namespace longhand
