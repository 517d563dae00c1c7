// Gemma.

#include <algorithm>
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

// Files that state no cuts mean those of the published models: 95 % of the values, in the first ten layers.
void nano(ModelConfig& c) {
  scores_unscaled(c);
  const auto cuts = [](const LayerShape& layer) { return std::isfinite(layer.gate_cut); };
  if (std::ranges::any_of(c.layers, cuts)) return;
  for (std::size_t il = 0; il < std::min<std::size_t>(c.layers.size(), 10); ++il)
    c.layers[il].gate_cut = 1.6448536f;
}

constexpr ArchSpec kArchs[] = {
    {.name = "gemma", .models = "Gemma 1", .rope = Rope::halves, .act = Act::gelu, .sqrt_embedding = true},
    {.name = "gemma2",
     .models = "Gemma 2",
     .place = NormPlace::sandwich,
     .rope = Rope::halves,
     .act = Act::gelu,
     .window = {.period = 2, .width = 4096},
     .sqrt_embedding = true,
     .attention_softcap = 50,
     .final_softcap = 30,
     .quirk = query_scale<46>},
    {.name = "gemma3",
     .models = "Gemma 3",
     .place = NormPlace::sandwich,
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .act = Act::gelu,
     .window = {.period = 6, .local_rope = true},
     .sqrt_embedding = true,
     .quirk = query_scale<62>},
    {.name = "gemma3n",
     .models = "Gemma 3n E2B, E4B",
     .place = NormPlace::sandwich,
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .value_norm = true,
     .act = Act::gelu,
     .window = {.period = 5, .local_rope = true},
     .streams = 4,
     .laurel_rank = 64,
     .own_kv_layers = 20,
     .sqrt_embedding = true,
     .final_softcap = 30,
     .quirk = nano},
    {.name = "gemma4",
     .models = "Gemma 4",
     .place = NormPlace::sandwich,
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .value_norm = true,
     .beside = DenseBeside::own_norms,
     .act = Act::gelu,
     .window = {.period = 6, .local_rope = true},
     .sqrt_embedding = true,
     .quirk = scores_unscaled},
};

}  // namespace

std::span<const ArchSpec> gemma_family() noexcept { return kArchs; }

}  // namespace longhand
