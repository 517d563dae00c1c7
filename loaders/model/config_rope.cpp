// How positions rotate queries and keys.

#include <algorithm>
#include <cmath>

#include "loaders/model/config_reader.h"

namespace longhand {
namespace {

RopeScalingRule parse_rule(const ConfigReader& r) {
  const auto type = r.file().get_string(key::rope_scaling_type);
  if (!type) return RopeScalingRule::linear;
  if (*type == "none") return RopeScalingRule::none;
  if (*type == "linear") return RopeScalingRule::linear;
  if (*type == "yarn") return RopeScalingRule::yarn;
  if (*type == "longrope" || *type == "su") return RopeScalingRule::longrope;
  throw Error(Errc::unsupported,
              fmt::format("{}: rope.scaling.type is '{}', must be none, linear, yarn or longrope",
                          r.file().name(), *type));
}

void read_sections(const ConfigReader& r, RopeConfig& rope) {
  const std::vector<std::int64_t> sections = r.file().get_ints(key::rope_sections);
  if (sections.size() < 2 || sections[0] == 0 || sections[1] == 0) return;
  for (std::size_t i = 0; i < std::min(sections.size(), rope.sections.size()); ++i)
    rope.sections[i] = int(sections[i]);
}

// Dynamic NTK scaling with a fixed alpha stretches the slowest pair alpha times (bloc97 2023).
double growth_of_base(const ConfigReader& r, const ModelConfig& c) {
  const double alpha = r.number(key::rope_alpha, 0);
  const auto first = std::ranges::find_if(c.layers, &LayerShape::attends);
  if (alpha == 0 || first == c.layers.end() || first->head_dim <= 2) return 1;
  return std::pow(alpha, first->head_dim / (first->head_dim - 2.0));
}

}  // namespace

void read_rope(const ConfigReader& r, ModelConfig& c) {
  RopeConfig& rope = c.rope;
  for (const LayerShape& layer : c.layers) {
    if (!layer.attends() || c.arch->rope == Rope::none) continue;
    int& rot = layer.window > 0 ? rope.local_rot : rope.rot;
    const KeySpec& key =
        layer.window > 0 && r.has(key::rope_dimensions_swa) ? key::rope_dimensions_swa : key::rope_dimensions;
    rot = r.integer(key, layer.head_dim);
    if (rot % 2 != 0 || rot > layer.head_dim) {
      r.refuse(key, fmt::format("is {}, must be even and at most the head size {}", rot, layer.head_dim));
    }
  }
  if (rope.rot == 0) rope.rot = rope.local_rot;
  if (rope.local_rot == 0) rope.local_rot = rope.rot;
  read_sections(r, rope);
  rope.sections_interleaved = c.arch->sections_interleaved;
  rope.base = r.number(key::rope_base, 10000) * growth_of_base(r, c);
  rope.finetuned = r.file().get_bool(key::rope_finetuned).value_or(true);
  rope.local_base = r.number(key::rope_base_swa, 10000);
  rope.rule = parse_rule(r);
  rope.factor = r.number(key::rope_scaling_factor, r.number(key::rope_scale_linear, 1));
  if (rope.factor == 0) rope.factor = 1;
  rope.original_context = r.integer(key::rope_original, c.trained_context);
  if (rope.original_context == 0) rope.original_context = c.trained_context;
  // Files with yarn state its magnitude again as yarn_attn_factor; the rule already computes it
  // from the factor.
  const float yarn_attn_factor = rope.rule == RopeScalingRule::yarn ? 1 : r.number(key::yarn_attn_factor, 1);
  rope.attn_factor = double(r.number(key::rope_attn_factor, 1)) * double(yarn_attn_factor);
  rope.beta_fast = r.number(key::yarn_beta_fast, 32);
  rope.beta_slow = r.number(key::yarn_beta_slow, 1);
  const double ext = r.number(key::yarn_ext_factor, -1);
  rope.ext_factor = ext < 0 ? 1 : ext;
  rope.log_multiplier = r.number(key::yarn_log_multiplier, 0);
}

}  // namespace longhand
