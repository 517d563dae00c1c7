// Gemma.

#include <cmath>

#include "loaders/model/arch.h"
#include "loaders/model/config.h"

namespace longhand {
namespace {

// The 27B models, known by their number of layers, scale queries by hidden size per head, not head size.
template <std::size_t layers_of_27b>
void query_scale(ModelConfig& c) {
  if (c.layers.size() != layers_of_27b) return;
  c.attention_scale = 1.0f / std::sqrt(float(c.hidden) / float(c.layers[0].heads));
}

void scores_unscaled(ModelConfig& c) { c.attention_scale = 1; }

constexpr ArchSpec kArchs[] = {
    {.name = "gemma", .rope = Rope::halves, .act = Act::gelu, .sqrt_embedding = true},
    {.name = "gemma2",
     .place = NormPlace::sandwich,
     .rope = Rope::halves,
     .act = Act::gelu,
     .window = {.period = 2, .width = 4096},
     .sqrt_embedding = true,
     .attention_softcap = 50,
     .final_softcap = 30,
     .quirk = query_scale<46>},
    {.name = "gemma3",
     .place = NormPlace::sandwich,
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .act = Act::gelu,
     .window = {.period = 6, .local_rope = true},
     .sqrt_embedding = true,
     .quirk = query_scale<62>},
    {.name = "gemma4",
     .place = NormPlace::sandwich,
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .value_norm = true,
     .dense_beside_experts = true,
     .act = Act::gelu,
     .window = {.period = 6, .local_rope = true},
     .sqrt_embedding = true,
     .quirk = scores_unscaled},
};

}  // namespace

std::span<const ArchSpec> gemma_family() noexcept { return kArchs; }

}  // namespace longhand
