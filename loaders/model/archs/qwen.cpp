// Qwen.

#include "loaders/model/arch.h"
#include "loaders/model/config.h"

namespace longhand {
namespace {

// Its files state the widths of ffn_gate and ffn_up together.
void half_of_width(ModelConfig& c) {
  for (LayerShape& layer : c.layers) layer.ff /= 2;
}

constexpr ArchSpec kArchs[] = {
    {.name = "qwen", .rope = Rope::halves, .quirk = half_of_width},
    {.name = "qwen2", .rope = Rope::halves},
    {.name = "qwen2vl", .rope = Rope::halves},
    {.name = "qwen2moe", .rope = Rope::halves, .experts = {.normalise = false, .parts_of_dense = true}},
    {.name = "qwen3",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .score = {.from = PoolingRule::last, .softmax = true}},
    {.name = "qwen3vl",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .score = {.from = PoolingRule::last, .softmax = true}},
    {.name = "qwen3moe",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .experts = {.parts_of_dense = true}},
    {.name = "qwen3next",
     .ffn_norm = "post_attention_norm",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .mixer = Mixer::delta_net,
     .attention_interval = 4,
     .gate = OutputGate::within_q,
     .interleaved_heads = true},
    {.name = "qwen35",
     .ffn_norm = "post_attention_norm",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .mixer = Mixer::delta_net,
     .attention_interval = 4,
     .gate = OutputGate::within_q},
    {.name = "qwen35moe",
     .ffn_norm = "post_attention_norm",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .mixer = Mixer::delta_net,
     .attention_interval = 4,
     .gate = OutputGate::within_q,
     .experts = {.parts_of_dense = true}},
};

}  // namespace

std::span<const ArchSpec> qwen_family() noexcept { return kArchs; }

}  // namespace longhand
