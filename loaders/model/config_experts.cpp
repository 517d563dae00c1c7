// The numbers of a mixture of experts.

#include "loaders/model/config_reader.h"

namespace longhand {

void read_experts(const ConfigReader& r, ModelConfig& c) {
  c.experts = r.integer(key::expert_count, 0);
  c.experts_used = r.integer(key::expert_used_count, 0);
  if (c.experts == 0 && c.experts_used > 0)
    r.refuse(key::expert_used_count, "is set, but there are no experts");
  if (c.experts == 0) return;
  if (c.experts_used < 1 || c.experts_used > c.experts) {
    r.refuse(key::expert_used_count, fmt::format("is {}, must be 1..{}", c.experts_used, c.experts));
  }
  // Old files leave the width of an expert to be guessed from the dense width.
  const int dense = c.layers[0].ff;
  c.expert_ff = r.integer(key::expert_ff_length, 0);
  c.shared_ff = r.integer(key::expert_shared_ff, 0);
  if (c.expert_ff == 0) c.expert_ff = dense;
  c.normalise_experts = r.file().get_bool(key::expert_norm).value_or(c.arch->experts.normalise);
  constexpr Gating kGatings[] = {Gating::softmax, Gating::softmax, Gating::sigmoid, Gating::softmax_selected};
  const int gating = r.integer(key::expert_gating, 0);
  if (gating > 3) r.refuse(key::expert_gating, fmt::format("is {}, must be 0..3", gating));
  c.gating = gating == 0 ? c.arch->experts.gating : kGatings[gating];
  const float scale = r.number(key::expert_scale, 0);
  c.expert_scale = scale == 0 ? 1 : scale;
}

}  // namespace longhand
