// LFM2: short convolutions, and attention in some layers.

#include "loaders/model/arch.h"

namespace longhand {
namespace {

constexpr ArchSpec kArchs[] = {
    {.name = "lfm2",
     .models = "LFM2, LFM2.5",
     .output_norm = "token_embd_norm",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .mixer = Mixer::short_conv,
     .window = {.everywhere = true}},
    {.name = "lfm2moe",
     .models = "LFM2-8B-A1B",
     .output_norm = "token_embd_norm",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .mixer = Mixer::short_conv,
     .experts = {.gating = Gating::sigmoid}},
};

}  // namespace

std::span<const ArchSpec> lfm_family() noexcept { return kArchs; }

}  // namespace longhand
