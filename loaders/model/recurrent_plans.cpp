#include "loaders/model/recurrent_plans.h"

namespace longhand {
namespace {

// What every recurrent block has.
template <class Plan>
Plan start(const RecurrentLayer& l, std::int64_t channels) {
  Plan p;
  p.hidden = l.config.hidden;
  p.state = l.state;
  p.conv.channels = int(channels);
  p.conv.width = l.config.recurrent.conv_width;
  return p;
}

DeltaNetPlan plan_delta_net(const RecurrentLayer& l) {
  const RecurrentConfig& r = l.config.recurrent;
  const std::int64_t keys = std::int64_t{r.groups} * r.state_size;
  auto p = start<DeltaNetPlan>(l, 2 * keys + r.inner);
  p.key_heads = r.groups;
  p.value_heads = r.heads;
  p.head_dim = r.state_size;
  p.interleaved = l.config.arch->interleaved_heads;
  p.epsilon = l.config.norm_epsilon;
  p.norm = l.norm;
  return p;
}

KimiDeltaPlan plan_kimi_delta(const RecurrentLayer& l) {
  const RecurrentConfig& r = l.config.recurrent;
  auto p = start<KimiDeltaPlan>(l, 3 * std::int64_t{r.inner});
  p.heads = r.heads;
  p.head_dim = r.state_size;
  p.epsilon = l.config.norm_epsilon;
  p.norm = l.norm;
  return p;
}

void settle_heads(HeadScanPlan& p, const RecurrentConfig& r, int groups) {
  p.heads = r.heads;
  p.head_dim = r.inner / r.heads;
  p.groups = groups;
  p.state_size = r.state_size;
}

Mamba2Plan plan_mamba2(const RecurrentLayer& l) {
  const RecurrentConfig& r = l.config.recurrent;
  auto p = start<Mamba2Plan>(l, r.inner + 2 * std::int64_t{r.groups} * r.state_size);
  settle_heads(p, r, r.groups);
  // Of the models that have attention beside it some go without the norm.
  if (!l.config.arch->beside_attention || l.has("ssm_norm.weight")) p.norm = l.norm;
  return p;
}

ScanInputs plan_scan_inputs(const RecurrentLayer& l, bool own_weights) {
  const RecurrentConfig& r = l.config.recurrent;
  ScanInputs p;
  p.dt_rank = r.dt_rank;
  p.state_size = r.state_size;
  p.own_weights = own_weights;
  if (own_weights || r.normed) p.dt_norm = p.b_norm = p.c_norm = l.norm;
  return p;
}

MambaPlan plan_mamba(const RecurrentLayer& l, bool own_weights) {
  auto p = start<MambaPlan>(l, l.config.recurrent.inner);
  p.inner = l.config.recurrent.inner;
  p.inputs = plan_scan_inputs(l, own_weights);
  return p;
}

MambaHeadsPlan plan_mamba_heads(const RecurrentLayer& l) {
  auto p = start<MambaHeadsPlan>(l, l.config.recurrent.inner);
  settle_heads(p, l.config.recurrent, 1);
  p.inputs = plan_scan_inputs(l, true);
  return p;
}

// Over each head, as all models of RWKV have it.
NormPlan norm_of_heads() {
  constexpr float kEpsilon = 64e-5f;
  return {Norm::layer, kEpsilon, nullptr, nullptr};
}

TimeMix6Plan plan_rwkv6(const RecurrentLayer& l) {
  const ModelConfig& c = l.config;
  auto p = start<TimeMix6Plan>(l, c.hidden);
  p.heads = c.recurrent.heads;
  p.kv_heads = c.rwkv.kv_heads;
  p.head_dim = c.recurrent.state_size;
  p.mix_rank = c.rwkv.mix_rank;
  p.decay_rank = c.rwkv.decay_rank;
  p.has_bonus = l.has("time_mix_first.weight");
  if (p.has_bonus) p.norm = norm_of_heads();
  return p;
}

TimeMix7Plan plan_rwkv7(const RecurrentLayer& l) {
  const ModelConfig& c = l.config;
  auto p = start<TimeMix7Plan>(l, c.hidden);
  p.heads = c.recurrent.heads;
  p.head_dim = c.recurrent.state_size;
  p.decay_rank = c.rwkv.decay_rank;
  p.rate_rank = c.rwkv.rate_rank;
  p.value_rank = c.rwkv.value_rank;
  if (l.has("time_mix_g1.weight")) p.gate_rank = c.rwkv.gate_rank;
  p.first = l.index == 0;
  if (c.arch->channel_mix || l.has("time_mix_ln.weight")) p.norm = norm_of_heads();
  return p;
}

}  // namespace

ChannelMixPlan plan_channel_mix(const RecurrentLayer& l, int ff) {
  auto p = start<ChannelMixPlan>(l, l.config.hidden);
  p.ff = ff;
  p.gated = l.has("channel_mix_receptance.weight");
  return p;
}

BlockPlan plan_recurrent(Mixer mixer, const RecurrentLayer& l) {
  switch (mixer) {
    case Mixer::delta_net:
      return plan_delta_net(l);
    case Mixer::kimi_delta:
      return plan_kimi_delta(l);
    case Mixer::mamba:
      return plan_mamba(l, false);
    case Mixer::mamba_normed:
      return plan_mamba(l, true);
    case Mixer::mamba_heads:
      return plan_mamba_heads(l);
    case Mixer::mamba2:
      return plan_mamba2(l);
    case Mixer::rwkv6:
      return plan_rwkv6(l);
    case Mixer::rwkv7:
      return plan_rwkv7(l);
    default:
      return start<ShortConvPlan>(l, l.config.hidden);
  }
}

}  // namespace longhand
