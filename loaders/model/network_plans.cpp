#include "loaders/model/network_plans.h"

namespace longhand {

DensePlan plan_dense(const ModelConfig& c, const LayerShape& shape, int ff) {
  const ArchSpec& arch = *c.arch;
  DensePlan p;
  p.hidden = c.hidden;
  p.ff = ff;
  p.act = c.act;
  p.gated = arch.gated;
  p.gate_cut = shape.gate_cut;
  p.xielu = shape.xielu;
  if (arch.sub_norms) p.sub_norm = {c.norm, c.norm_epsilon, nullptr, nullptr};
  p.limit = shape.dense_limit;
  p.limits_gate = arch.experts.limits_gate;
  return p;
}

MoePlan plan_experts(const ModelConfig& c, const LayerShape& shape, bool shared) {
  const ExpertSpec& spec = c.arch->experts;
  MoePlan p;
  p.hidden = c.hidden;
  p.ff = c.expert_ff;
  p.latent = c.expert_latent;
  p.act = c.act;
  p.gated = c.arch->gated;
  p.limit = shape.expert_limit;
  p.limits_gate = spec.limits_gate;
  p.experts = c.experts;
  p.used = c.experts_used;
  p.gating = c.gating;
  p.normalise = c.normalise_experts;
  p.scale = c.expert_scale;
  p.groups = c.expert_groups;
  p.groups_used = c.expert_groups_used;
  if (shape.listed_experts) p.listed_tokens = c.vocab;
  p.weighs_input = spec.weighs_input;
  p.routed_by_entry = spec.routed_by_entry;
  if (spec.chunks) {
    p.chunks = c.experts / c.experts_per_chunk;
    p.chunk_ff = c.chunk_ff;
    p.experts_per_chunk = c.experts_per_chunk;
    p.chunk_scale = c.chunk_scale;
  }
  if (!shared) return p;
  p.shared = plan_dense(c, shape, c.shared_ff);
  if (spec.averaged) {
    p.scale /= 2;
    p.shared_scale = 0.5f;
  }
  return p;
}

}  // namespace longhand
