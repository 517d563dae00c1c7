// Llama and those that differ from it in a few facts: root-mean-square norms before gated networks.

#include "loaders/model/arch.h"
#include "loaders/model/config.h"

namespace longhand {
namespace {

// OLMo-3 stretches only the layers that see everything; its window layers keep the same base unstretched.
void olmo_local_base(ModelConfig& c) { c.rope.local_base = c.rope.base; }

// The multimodal models pair dimensions otherwise.
void glm_pairs(ModelConfig& c) {
  if (c.rope.sections) c.pairs = Rope::halves;
}

constexpr ArchSpec kArchs[] = {
    {.name = "llama"},
    {.name = "mistral3"},
    {.name = "smollm3", .no_rope_every = 4},
    {.name = "internlm2"},
    {.name = "ernie4_5"},
    {.name = "phi3", .rope = Rope::halves},
    {.name = "glm4", .place = NormPlace::sandwich, .quirk = glm_pairs},
    {.name = "olmo2",
     .place = NormPlace::post,
     .qk_norm = QkNorm::full_width,
     .rope = Rope::halves,
     .window = {.period = 4, .local_rope = true},
     .quirk = olmo_local_base},
    {.name = "olmoe", .qk_norm = QkNorm::full_width, .rope = Rope::halves, .experts = {.normalise = false}},
};

}  // namespace

std::span<const ArchSpec> llama_family() noexcept { return kArchs; }

}  // namespace longhand
