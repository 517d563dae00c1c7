// Models with layer norms, most of them with attention and feed-forward side by side.

#include "loaders/model/arch.h"

namespace longhand {
namespace {

constexpr ArchSpec kArchs[] = {
    {.name = "command-r",
     .norm = Norm::layer,
     .qk_norm = QkNorm::own_per_head,
     .residual = Residual::parallel},
    {.name = "cohere2",
     .norm = Norm::layer,
     .residual = Residual::parallel,
     .window = {.period = 4, .rope_only_local = true}},
    {.name = "orion", .norm = Norm::layer, .rope = Rope::halves},
    {.name = "olmo", .norm = Norm::layer, .norm_weights = false},
    {.name = "falcon",
     .norm = Norm::layer,
     .residual = Residual::parallel,
     .rope = Rope::halves,
     .act = Act::gelu,
     .gated = false},
    {.name = "gptneox",
     .norm = Norm::layer,
     .residual = Residual::as_stated,
     .rope = Rope::halves,
     .act = Act::gelu,
     .gated = false},
    {.name = "codeshell", .norm = Norm::layer, .rope = Rope::halves, .act = Act::gelu, .gated = false},
    {.name = "jais2", .norm = Norm::layer, .rope = Rope::halves, .act = Act::relu_squared, .gated = false},
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

std::span<const ArchSpec> layer_norm_family() noexcept { return kArchs; }

}  // namespace longhand
