// RWKV, and models whose attention was replaced by its time mixing.

#include "loaders/model/arch.h"

namespace longhand {
namespace {

constexpr ArchSpec kArchs[] = {
    {.name = "rwkv6",
     .models = "RWKV-6",
     .norm = Norm::layer,
     .ffn_norm = "attn_norm_2",
     .embedding_norm = true,
     .rope = Rope::none,
     .mixer = Mixer::rwkv6,
     .channel_mix = true},
    {.name = "rwkv7",
     .models = "RWKV-7",
     .norm = Norm::layer,
     .ffn_norm = "attn_norm_2",
     .embedding_norm = true,
     .rope = Rope::none,
     .mixer = Mixer::rwkv7,
     .channel_mix = true},
    {.name = "rwkv6qwen2", .models = "QRWKV6", .rope = Rope::none, .mixer = Mixer::rwkv6},
    {.name = "arwkv7", .models = "ARWKV-7", .rope = Rope::none, .mixer = Mixer::rwkv7},
};

}  // namespace

std::span<const ArchSpec> rwkv_family() noexcept { return kArchs; }

}  // namespace longhand
