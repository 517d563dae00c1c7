// Hunyuan: keys and queries are normalised after their rotation.

#include "loaders/model/arch.h"
#include "loaders/model/config.h"

namespace longhand {
namespace {

// Positions of its images have a fourth number, which those of text lack.
void no_fourth_number(ModelConfig& c) { c.rope.fourth_stands = c.rope.sections[3] > 0; }

constexpr ArchSpec kArchs[] = {
    {.name = "hunyuan-dense",
     .models = "Hunyuan 0.5B to 7B",
     .qk_norm = QkNorm::per_head_turned,
     .rope = Rope::halves},
    {.name = "hunyuan_vl",
     .models = "HunyuanOCR, its text",
     .qk_norm = QkNorm::per_head_turned,
     .rope = Rope::halves,
     .quirk = no_fourth_number},
};

}  // namespace

std::span<const ArchSpec> hunyuan_family() noexcept { return kArchs; }

}  // namespace longhand
