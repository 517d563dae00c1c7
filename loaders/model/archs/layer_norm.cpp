// Models with layer norms, most of them with attention and feed-forward side by side.

#include "loaders/model/arch.h"

namespace longhand {
namespace {

constexpr ArchSpec kArchs[] = {
    {.name = "command-r",
     .models = "Command R, R+, Aya",
     .norm = Norm::layer,
     .qk_norm = QkNorm::own_per_head,
     .residual = Residual::parallel},
    {.name = "cohere2",
     .models = "Command R7B, Command A",
     .norm = Norm::layer,
     .residual = Residual::parallel,
     .window = {.period = 4, .rope_only_local = true}},
    {.name = "orion", .models = "Orion 14B", .norm = Norm::layer, .rope = Rope::halves},
    {.name = "olmo", .models = "OLMo 1", .norm = Norm::layer, .norm_weights = false},
    {.name = "falcon",
     .models = "Falcon 1",
     .norm = Norm::layer,
     .residual = Residual::parallel,
     .rope = Rope::halves,
     .act = Act::gelu,
     .gated = false},
    {.name = "gptneox",
     .models = "Pythia, GPT-NeoX, Dolly",
     .norm = Norm::layer,
     .residual = Residual::as_stated,
     .rope = Rope::halves,
     .act = Act::gelu,
     .gated = false},
    {.name = "codeshell",
     .models = "CodeShell",
     .norm = Norm::layer,
     .rope = Rope::halves,
     .act = Act::gelu,
     .gated = false},
    {.name = "jais2",
     .models = "Jais 2",
     .norm = Norm::layer,
     .rope = Rope::halves,
     .act = Act::relu_squared,
     .gated = false},
    {.name = "starcoder2",
     .models = "StarCoder2",
     .norm = Norm::layer,
     .rope = Rope::halves,
     .act = Act::gelu,
     .gated = false},
    {.name = "stablelm",
     .models = "StableLM 2, StableLM 3B",
     .norm = Norm::layer,
     .qk_norm = QkNorm::own_per_head,
     .residual = Residual::by_ffn_norm,
     .rope = Rope::halves},
    {.name = "nemotron",
     .models = "Nemotron-4, Minitron",
     .norm = Norm::layer,
     .rope = Rope::halves,
     .act = Act::relu_squared,
     .gated = false},
    {.name = "phi2",
     .models = "Phi-1 to Phi-2",
     .norm = Norm::layer,
     .residual = Residual::parallel,
     .rope = Rope::halves,
     .act = Act::gelu,
     .gated = false},
};

}  // namespace

std::span<const ArchSpec> layer_norm_family() noexcept { return kArchs; }

}  // namespace longhand
