// Mixtures of experts in which some layers see only a window of the text.

#include <algorithm>

#include "loaders/model/arch.h"
#include "loaders/model/config_reader.h"

namespace longhand {
namespace {

// Layers with a window keep the common base, unstretched.
void window_layers_unstretched(ModelConfig& c) { c.rope.local_base = c.rope.base; }

// Where a file has no base for window layers, they have the common one. Some models have a gate for each
// head, others for each value; only the tensors tell.
void laguna(const ConfigReader& r, ModelConfig& c) {
  const TensorInfo* gate = r.file().find_tensor("blk.0.attn_gate.weight");
  c.gates_heads = gate != nullptr && gate->dims[1] == std::uint64_t(c.layers[0].heads);
  if (!r.has(key::rope_base_swa)) c.rope.local_base = c.rope.base;
}

// Only layers with a window are rotated, and stretched like any other.
void base_of_window_layers(const ConfigReader& r, ModelConfig& c) {
  const bool windows = std::ranges::any_of(c.layers, [](const LayerShape& l) { return l.window > 0; });
  if (windows && r.has(key::rope_base_swa)) c.rope.base = c.rope.local_base;
}

// The first dense layers are rotated, even where they see everything.
void rotate_dense_layers(ModelConfig& c) {
  for (LayerShape& layer : c.layers) layer.rope = layer.rope || !layer.may_have_experts;
}

void value_scale(const ConfigReader& r, ModelConfig& c) {
  c.attention_output_scale = r.number(key::value_scale, 0);
}

// Layers that see everything rotate only half of what the file says.
void step35(const ConfigReader& r, ModelConfig& c) {
  c.gates_heads = true;
  read_limits(r, key::expert_limits, &LayerShape::expert_limit, c);
  read_limits(r, key::dense_limits, &LayerShape::dense_limit, c);
  if (c.rope.rot % 4 != 0)
    r.refuse(key::rope_dimensions, fmt::format("is {}, must be a multiple of 4", c.rope.rot));
  c.rope.rot /= 2;
}

// Llama 4 names neither its chunks nor its temperature, which only layers without rotation have. All but its
// model of 128 experts have norms in the others.
void llama4(const ConfigReader& r, ModelConfig& c) {
  constexpr int kWithoutNorms = 128;
  base_of_window_layers(r, c);
  c.temperature_scale = r.number(key::temperature_scale, 0.1);
  c.temperature_length = r.integer(key::temperature_length, 8192);
  c.temperature_offset = 1;
  if (c.temperature_length == 0) c.temperature_scale = 0;
  for (LayerShape& layer : c.layers) {
    layer.tempered = !layer.rope;
    if (!layer.rope || c.experts == kWithoutNorms) layer.qk_norm = QkNorm::none;
  }
}

constexpr ArchSpec kArchs[] = {
    {.name = "exaone-moe",
     .models = "K-EXAONE",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .window = {.period = 4, .width = 128, .rope_only_local = true},
     .experts = {.gating = Gating::sigmoid, .normalise = false}},
    {.name = "mellum",
     .models = "Mellum 2",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .window = {.period = 4, .local_rope = true},
     .experts = {.parts_of_dense = true},
     .quirk = window_layers_unstretched},
    {.name = "smallthinker",
     .models = "SmallThinker",
     .rope = Rope::halves,
     .act = Act::relu,
     .window = {.period = 4, .full_first = true, .rope_only_local = true},
     .experts = {.routed_by_entry = true},
     .read = base_of_window_layers},
    {.name = "cohere2moe",
     .models = "Command A MoE",
     .norm = Norm::layer,
     .rms_by_key = true,
     .residual = Residual::parallel,
     .window = {.period = 4, .full_first = true, .rope_only_local = true},
     .experts = {.gating = Gating::sigmoid, .normalise = false, .averaged = true},
     .quirk = rotate_dense_layers},
    {.name = "afmoe",
     .models = "Trinity",
     .place = NormPlace::sandwich,
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .gate = OutputGate::sigmoid,
     .window = {.period = 4, .rope_only_local = true},
     .experts = {.gating = Gating::sigmoid, .normalise = false},
     .sqrt_embedding = true,
     .read = base_of_window_layers},
    {.name = "laguna",
     .models = "Laguna",
     .qk_norm = QkNorm::per_head,
     .rope = Rope::halves,
     .gate = OutputGate::softplus,
     .window = {.period = 4, .full_first = true, .local_rope = true},
     .experts = {.gating = Gating::sigmoid, .normalise = false},
     .read = laguna},
    {.name = "mimo2",
     .models = "MiMo-V2",
     .rope = Rope::halves,
     .window = {.period = 1, .local_rope = true},
     .experts = {.gating = Gating::sigmoid},
     .read = value_scale},
    {.name = "step35",
     .models = "Step-3.5 Flash",
     .qk_norm = QkNorm::per_head_optional,
     .rope = Rope::halves,
     .gate = OutputGate::sigmoid,
     .window = {.period = 1, .local_rope = true},
     .experts = {.gating = Gating::sigmoid, .normalise = false},
     .read = step35},
    {.name = "llama4",
     .models = "Llama 4 Scout, Maverick",
     .qk_norm = QkNorm::unweighted,
     .no_rope_every = 4,
     .window = {.period = 4, .width = 8192, .chunks = true},
     .experts = {.gating = Gating::sigmoid, .normalise = false, .weighs_input = true},
     .read = llama4},
};

}  // namespace

std::span<const ArchSpec> windowed_experts_family() noexcept { return kArchs; }

}  // namespace longhand
