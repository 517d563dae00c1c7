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
    {.name = "qwen", .models = "Qwen 1", .rope = Rope::halves, .quirk = half_of_width},
    {.name = "qwen2", .models = "Qwen1.5, Qwen2, Qwen2.5, QwQ", .rope = Rope::halves},
    {.name = "qwen2vl", .models = "Qwen2-VL, Qwen2.5-VL, their text", .rope = Rope::halves},
    {.name = "qwen2moe",
     .models = "Qwen1.5-MoE, Qwen2-57B-A14B",
     .rope = Rope::halves,
     .experts = {.normalise = false, .parts_of_dense = true}},
    {.name = "qwen3",
     .models = "Qwen3, Qwen3-Embedding, Qwen3-Reranker",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .score = {.from = PoolingRule::last, .softmax = true}},
    {.name = "qwen3vl",
     .models = "Qwen3-VL, its text",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .score = {.from = PoolingRule::last, .softmax = true},
     .sections_interleaved = true},
    {.name = "qwen3moe",
     .models = "Qwen3-30B-A3B, 235B-A22B, Qwen3-Coder",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .experts = {.parts_of_dense = true}},
    {.name = "qwen3next",
     .models = "Qwen3-Next-80B-A3B, Qwen3-Coder-Next",
     .ffn_norm = "post_attention_norm",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .mixer = Mixer::delta_net,
     .attention_interval = 4,
     .gate = OutputGate::within_q,
     .interleaved_heads = true},
    {.name = "qwen35",
     .models = "Qwen3.5, 3.6 dense",
     .ffn_norm = "post_attention_norm",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .mixer = Mixer::delta_net,
     .attention_interval = 4,
     .gate = OutputGate::within_q,
     .next_heads = true,
     .sections_interleaved = true},
    {.name = "qwen35moe",
     .models = "Qwen3.5, 3.6 MoE",
     .ffn_norm = "post_attention_norm",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .mixer = Mixer::delta_net,
     .attention_interval = 4,
     .gate = OutputGate::within_q,
     .experts = {.parts_of_dense = true},
     .next_heads = true,
     .sections_interleaved = true},
};

}  // namespace

std::span<const ArchSpec> qwen_family() noexcept { return kArchs; }

}  // namespace longhand
