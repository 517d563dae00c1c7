// Qwen.

#include "loaders/model/arch.h"

namespace longhand {
namespace {

constexpr ArchSpec kArchs[] = {
    {.name = "qwen2", .rope = Rope::halves},
    {.name = "qwen2moe", .rope = Rope::halves, .experts = {.normalise = false}},
    {.name = "qwen3", .qk_norm = QkNorm::per_head, .rope = Rope::halves},
    {.name = "qwen3moe", .qk_norm = QkNorm::per_head, .rope = Rope::halves},
    {.name = "qwen3next",
     .ffn_norm = "post_attention_norm",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .mixer = Mixer::delta_net,
     .attention_interval = 4,
     .output_gate = true,
     .interleaved_heads = true},
    {.name = "qwen35",
     .ffn_norm = "post_attention_norm",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .mixer = Mixer::delta_net,
     .attention_interval = 4,
     .output_gate = true},
    {.name = "qwen35moe",
     .ffn_norm = "post_attention_norm",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .mixer = Mixer::delta_net,
     .attention_interval = 4,
     .output_gate = true},
};

}  // namespace

std::span<const ArchSpec> qwen_family() noexcept { return kArchs; }

}  // namespace longhand
