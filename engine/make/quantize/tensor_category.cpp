#include "engine/make/quantize/tensor_category.h"

#include <algorithm>
#include <charconv>

namespace longhand {
namespace {

struct NamedCategory {
  std::string_view part;  // of the name
  TensorCategory category;
};

// The first that a name holds counts.
constexpr NamedCategory kCategories[] = {
    {"attn_qkv.weight", TensorCategory::value}, {"attn_kv_b.weight", TensorCategory::value},
    {"attn_v.weight", TensorCategory::value},   {"attn_k.weight", TensorCategory::key},
    {"attn_q.weight", TensorCategory::query},   {"attn_output.weight", TensorCategory::attention_output},
    {"ffn_up", TensorCategory::ffn_up},         {"ffn_gate", TensorCategory::ffn_gate},
    {"ffn_down", TensorCategory::ffn_down},
};

// Parts of names of matrices that stay floats.
constexpr std::string_view kFloats[] = {
    "_norm.weight",
    // Routers of experts, and the table of those a token goes to.
    "ffn_gate_inp.weight",
    "ffn_gate_tid2eid.weight",
    // Small ones of models with several streams, and what gives layers inputs of their own.
    "altup",
    "laurel",
    "per_layer_model_proj",
    // Short convolutions.
    "ssm_conv1d",
    "shortconv.conv.weight",
    // Low ranks and mixing weights of RWKV.
    "time_mix_first.weight",
    "time_mix_w0.weight",
    "time_mix_w1.weight",
    "time_mix_w2.weight",
    "time_mix_v0.weight",
    "time_mix_v1.weight",
    "time_mix_v2.weight",
    "time_mix_a0.weight",
    "time_mix_a1.weight",
    "time_mix_a2.weight",
    "time_mix_g1.weight",
    "time_mix_g2.weight",
    "time_mix_decay_w1.weight",
    "time_mix_decay_w2.weight",
    "time_mix_lerp_fused.weight",
    // Positions, and the parts of encoders of images that see few numbers.
    "attn_rel_b.weight",
    ".position_embd",
    "sam.pos_embd",
    "sam.neck.",
    "sam.net_",
    ".rel_pos",
    ".patch_embd",
    ".patch_merger",
};

bool holds(std::string_view name, std::string_view part) noexcept {
  return name.find(part) != std::string_view::npos;
}

}  // namespace

TensorCategory category_of(std::string_view name) noexcept {
  if (name == "output.weight") return TensorCategory::output;
  if (name == "token_embd.weight" || name == "per_layer_token_embd.weight") return TensorCategory::embedding;
  const auto found =
      std::ranges::find_if(kCategories, [&](const NamedCategory& row) { return holds(name, row.part); });
  return found == std::end(kCategories) ? TensorCategory::other : found->category;
}

int layer_of(std::string_view name) noexcept {
  constexpr std::string_view kLayer = "blk.";
  if (!name.starts_with(kLayer)) return -1;
  int layer = -1;
  std::from_chars(name.data() + kLayer.size(), name.data() + name.size(), layer);
  return layer;
}

int dimensions_of(const TensorInfo& tensor) noexcept {
  int n = tensor.n_dims;
  while (n > 1 && tensor.dims[std::size_t(n) - 1] == 1) --n;
  return n;
}

bool stays_float(const TensorInfo& tensor) noexcept {
  const std::string_view name = tensor.name;
  if (dimensions_of(tensor) < 2 || !name.ends_with("weight")) return true;
  if (name == "position_embd.weight" || name == "token_types.weight") return true;
  return std::ranges::any_of(kFloats, [&](std::string_view part) { return holds(name, part); });
}

}  // namespace longhand
