// The numbers of a mixture of experts.

#include <algorithm>

#include "loaders/model/config_reader.h"

namespace longhand {

namespace {

void read_chunks(const ConfigReader& r, ModelConfig& c) {
  c.chunk_ff = r.at_least_1(key::chunk_ff_length);
  c.experts_per_chunk = r.integer(key::experts_per_chunk, 2);
  c.chunk_scale = r.number(key::chunk_scale, 0.05);
  if (c.experts_per_chunk < 1 || c.experts % c.experts_per_chunk != 0)
    r.refuse(key::experts_per_chunk,
             fmt::format("is {}, must divide the {} experts", c.experts_per_chunk, c.experts));
}

}  // namespace

// Limits of gates and ups for each layer; 0: none. Those of the shared network also hold for dense ones.
void read_limits(const ConfigReader& r, const KeySpec& key, float LayerShape::*to, ModelConfig& c) {
  constexpr double kLeast = 1e-6;
  const std::vector<double> limits = r.file().get_floats(key);
  if (!limits.empty() && limits.size() < c.layers.size())
    r.refuse(key, fmt::format("has {} values, must have one for each of {} layers", limits.size(),
                              c.layers.size()));
  for (std::size_t il = 0; il < std::min(limits.size(), c.layers.size()); ++il)
    c.layers[il].*to = limits[il] > kLeast ? float(limits[il]) : 0;
}

void read_experts(const ConfigReader& r, ModelConfig& c) {
  c.experts = r.integer(key::expert_count, 0);
  c.experts_used = r.integer(key::expert_used_count, 0);
  // Files of dense models may count their only network.
  if (c.experts == 1) c.experts = c.experts_used = 0;
  if (c.experts == 0 && c.experts_used > 0)
    r.refuse(key::expert_used_count, "is set, but there are no experts");
  if (c.experts == 0) return;
  if (c.experts_used < 1 || c.experts_used > c.experts) {
    r.refuse(key::expert_used_count, fmt::format("is {}, must be 1..{}", c.experts_used, c.experts));
  }
  // Old files leave the width of an expert to be guessed from the dense width.
  const int dense = c.layers[0].ff;
  c.expert_latent = r.integer(key::moe_latent, 0);
  c.expert_ff = r.integer(key::expert_ff_length, 0);
  c.shared_ff = r.integer(key::expert_shared_ff, 0);
  const ExpertSpec& spec = c.arch->experts;
  if (c.expert_ff == 0) c.expert_ff = spec.parts_of_dense ? dense / c.experts_used : dense;
  // The networks that every token uses are one, as wide as all of them.
  const std::int64_t count = std::max(1, r.integer(key::expert_shared_count, 1));
  const bool stated = c.shared_ff > 0;
  const std::int64_t each = stated ? c.shared_ff : c.expert_ff;
  c.shared_ff = int(std::min<std::int64_t>(stated && !spec.shared_each ? each : count * each,
                                           std::int64_t(key::kMaxCount)));
  c.expert_groups = std::max(1, r.integer(key::expert_groups, 1));
  c.expert_groups_used = r.integer(key::expert_groups_used, c.expert_groups);
  if (c.experts % c.expert_groups != 0)
    r.refuse(key::expert_groups,
             fmt::format("is {}, must divide the {} experts", c.expert_groups, c.experts));
  if (c.expert_groups_used < 1 || c.expert_groups_used > c.expert_groups ||
      c.experts / c.expert_groups * c.expert_groups_used < c.experts_used) {
    r.refuse(key::expert_groups_used, fmt::format("is {}, must be 1..{} and leave {} experts to choose from",
                                                  c.expert_groups_used, c.expert_groups, c.experts_used));
  }
  for (int il = 0; il < std::min(int(c.layers.size()), r.integer(key::leading_dense, 0)); ++il)
    c.layers[std::size_t(il)].may_have_experts = false;
  c.normalise_experts = r.file().get_bool(key::expert_norm).value_or(spec.normalise);
  constexpr Gating kGatings[] = {Gating::softmax, Gating::softmax, Gating::sigmoid, Gating::softmax_selected,
                                 Gating::root_softplus};
  const int gating = r.integer(key::expert_gating, 0);
  if (gating > 4) r.refuse(key::expert_gating, fmt::format("is {}, must be 0..4", gating));
  c.gating = gating == 0 ? spec.gating : kGatings[gating];
  const float scale = r.number(key::expert_scale, 0);
  c.expert_scale = scale == 0 ? 1 : scale;
  if (spec.chunks) read_chunks(r, c);
}

}  // namespace longhand
