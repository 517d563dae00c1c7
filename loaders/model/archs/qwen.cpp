// Qwen.

#include "loaders/model/arch.h"

namespace longhand {
namespace {

constexpr ArchSpec kArchs[] = {
    {.name = "qwen2", .rope = Rope::halves},
    {.name = "qwen2moe", .rope = Rope::halves, .experts = {.normalise = false}},
    {.name = "qwen3", .qk_norm = QkNorm::per_head, .rope = Rope::halves},
    {.name = "qwen3moe", .qk_norm = QkNorm::per_head, .rope = Rope::halves},
};

}  // namespace

std::span<const ArchSpec> qwen_family() noexcept { return kArchs; }

}  // namespace longhand
