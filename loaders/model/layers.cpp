#include "loaders/model/layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace longhand {
namespace {

// Slopes of the heads (Press et al. 2022, arXiv 2108.12409, section 3 and its code for head counts that are
// no power of two): 2^(-bias / n), squared, ... for the first n heads, n a power of two, and every other step
// between these for the rest.
std::vector<float> alibi_slopes(int heads, double bias) {
  const int n = int(std::bit_floor(unsigned(heads)));
  std::vector<float> slopes;
  for (int h = 0; h < heads; ++h) {
    const double step = h < n ? h + 1 : (2 * (h - n) + 1) / 2.0;
    slopes.push_back(float(std::exp2(-bias * step / n)));
  }
  return slopes;
}

class LayerPlanner {
 public:
  LayerPlanner(const ModelConfig& config, const HasTensor& has)
      : c_(config), arch_(*config.arch), has_(has), state_of_layer_(config.layers.size(), -1) {}

  LayerPlan plan(int il) {
    il_ = il;
    LayerPlan layer;
    if (c_.streams > 1) layer.rounds.push_back(stream_round<AltupPredictPlan>());
    Block mixer = mix();
    if (arch_.dense_beside_experts && has_experts()) {
      layer.rounds.push_back(round({std::move(mixer)}));
      layer.rounds.push_back(dense_beside_experts());
      finish(layer);
      return layer;
    }
    Block network = feed_forward();
    const bool parallel =
        c_.residual == Residual::parallel || (c_.residual == Residual::by_ffn_norm && !has(arch_.ffn_norm));
    if (parallel) {
      layer.rounds.push_back(round({std::move(mixer), std::move(network)}));
    } else {
      if (shape().mixer != Mixer::none)
        layer.rounds.push_back(arch_.laurel_rank > 0 ? beside_laurel(std::move(mixer))
                                                     : round({std::move(mixer)}));
      if (has_network()) layer.rounds.push_back(round({std::move(network)}));
    }
    finish(layer);
    return layer;
  }

 private:
  const LayerShape& shape() const { return c_.layers[std::size_t(il_)]; }
  bool has(std::string_view name) const { return has_(fmt::format("blk.{}.{}.weight", il_, name)); }

  StreamNorm norm(std::string_view name) const {
    return {arch_.norm_weights ? name : "", {arch_.norm, c_.norm_epsilon, nullptr, nullptr}};
  }

  Round round(std::vector<Block> blocks) const {
    Round r;
    r.side_by_side = std::move(blocks);
    r.scale = c_.residual_scale;
    return r;
  }

  // With the norms the architecture puts around a block.
  Block block(BlockPlan plan, std::string_view before, std::string_view after) const {
    Block b;
    if (arch_.place == NormPlace::pre || arch_.place == NormPlace::sandwich) b.pre = norm(before);
    if (arch_.place == NormPlace::post || arch_.place == NormPlace::sandwich) b.post = norm(after);
    b.plan = std::move(plan);
    return b;
  }

  // Before and after the blocks that change the first stream.
  template <class Plan>
  Round stream_round() const {
    Plan plan;
    plan.hidden = c_.hidden;
    plan.streams = c_.streams;
    Round r = round({Block{norm("altup_router_norm"), {}, std::move(plan)}});
    r.to = AddTo::nothing;
    return r;
  }

  // x = (x + attention + laurel) / sqrt(2)
  Round beside_laurel(Block mixer) const {
    static constexpr float kHalfRoot = 0.70710678f;
    LaurelPlan laurel;
    laurel.hidden = c_.hidden;
    laurel.rank = arch_.laurel_rank;
    laurel.norm = norm({}).plan;
    Round r = round({std::move(mixer), Block{norm("attn_norm"), {}, std::move(laurel)}});
    r.output_scale = &kHalfRoot;
    return r;
  }

  // What some architectures have behind the two halves.
  void finish(LayerPlan& layer) const {
    if (arch_.place == NormPlace::stream) {
      layer.rounds.front().after = norm("attn_output_norm");
      if (has("attn_norm_2")) layer.rounds.front().again = norm("attn_norm_2");
      layer.rounds.back().after = norm("layer_output_norm");
    }
    const bool streams = c_.streams > 1;
    if (streams) layer.rounds.push_back(stream_round<AltupCorrectPlan>());
    if (c_.per_layer_width > 0) {
      Block b;
      if (streams) b.pre = {"altup_correct_scale", {Norm::scale, 0, nullptr, nullptr}};
      b.post = norm("post_norm");
      b.plan = PerLayerInputPlan{c_.hidden, c_.per_layer_width, il_, c_.act, {}, {}};
      layer.rounds.push_back(round({std::move(b)}));
      if (streams) layer.rounds.back().to = AddTo::other_streams;
    }
    if (arch_.adds_embedding) {
      Block b;
      b.plan = EmbeddingAgainPlan{c_.hidden, nullptr};
      layer.rounds.back().side_by_side.push_back(std::move(b));
    } else if (has("layer_output_scale") && !layer.rounds.empty()) {
      layer.rounds.back().output_scale_name = "layer_output_scale";
    }
  }

  // Both have norms of their own, and their sum has one more.
  Round dense_beside_experts() const {
    MoePlan moe = experts();
    moe.router_norm = norm({}).plan;
    moe.router_scale = 1 / std::sqrt(float(c_.hidden));
    Round r = round({Block{norm(arch_.ffn_norm), norm("post_ffw_norm_1"), dense(shape().ff)},
                     Block{norm("pre_ffw_norm_2"), norm("post_ffw_norm_2"), std::move(moe)}});
    r.post = norm("post_ffw_norm");
    return r;
  }

  // Where both halves of a parallel layer have norms of their own, that of attention may be the second.
  Block mix() {
    const bool second = c_.residual == Residual::parallel && has("attn_norm_2");
    Block b = block(mixer(), second ? "attn_norm_2" : "attn_norm", "post_attention_norm");
    if (il_ == 0 && !arch_.first_norm) b.pre = {};
    return b;
  }

  BlockPlan mixer() {
    switch (shape().mixer) {
      case Mixer::attention:
        return attention();
      case Mixer::latent:
        return latent();
      case Mixer::short_conv:
        return short_conv();
      case Mixer::delta_net:
        return delta_net();
      case Mixer::matrix:
        return MatrixPlan{c_.hidden, {}};
      case Mixer::none:
        break;
    }
    return {};
  }

  Block feed_forward() const {
    // Where both halves of a parallel layer read the same norm, the file has only one.
    const bool own_norm = c_.residual == Residual::serial || has(arch_.ffn_norm);
    return block(network(), own_norm ? arch_.ffn_norm : "attn_norm", "post_ffw_norm");
  }

  // What every attention has.
  void settle(AttentionCore& p) {
    const LayerShape& shape = this->shape();
    p.heads = shape.heads;
    p.kv_heads = shape.kv_heads;
    p.head_dim = shape.head_dim;
    p.value_dim = shape.value_dim;
    p.window = shape.window;
    p.causal = c_.causal;
    p.rope = shape.rope ? c_.pairs : Rope::none;
    p.local_rope = shape.local_rope;
    p.scale = c_.attention_scale != 0 ? c_.attention_scale : 1.0f / std::sqrt(float(p.head_dim));
    p.softcap = c_.attention_softcap;
    if (c_.alibi != 0) p.slopes = alibi_slopes(p.heads, double(c_.alibi));
    p.stores = shape.kv_layer < 0;
    p.state = p.stores ? states_++ : state_of_layer_[std::size_t(shape.kv_layer)];
    state_of_layer_[std::size_t(il_)] = p.state;
    if (arch_.value_norm) p.value_norm = norm({}).plan;
  }

  AttentionPlan attention() {
    AttentionPlan p;
    settle(p);
    p.hidden = c_.hidden;
    p.output_gate = arch_.output_gate;
    p.qk_norm = arch_.qk_norm;
    p.values_are_keys = arch_.value_norm && p.head_dim == p.value_dim && !has("attn_v") && !has("attn_qkv");
    if (p.qk_norm != QkNorm::none) p.q_norm = p.k_norm = norm({}).plan;
    p.clamp = c_.clamp_kqv;
    if (arch_.sub_norms) p.sub_norm = norm({}).plan;
    return p;
  }

  LatentPlan latent() {
    LatentPlan p;
    settle(p);
    p.hidden = c_.hidden;
    p.q_rank = c_.latent.q_rank;
    p.rank = c_.latent.rank;
    p.pe = c_.rope.rot;
    p.nope = c_.latent.key_dim - p.pe;
    p.head_value = c_.latent.value_dim;
    p.q_a_norm = p.kv_a_norm = norm({}).plan;
    return p;
  }

  ShortConvPlan short_conv() {
    ShortConvPlan p;
    p.hidden = c_.hidden;
    p.state = states_++;
    p.conv.channels = c_.hidden;
    p.conv.width = c_.recurrent.conv_width;
    return p;
  }

  DeltaNetPlan delta_net() {
    const RecurrentConfig& r = c_.recurrent;
    DeltaNetPlan p;
    p.hidden = c_.hidden;
    p.state = states_++;
    p.key_heads = r.groups;
    p.value_heads = r.heads;
    p.head_dim = r.state_size;
    p.interleaved = arch_.interleaved_heads;
    p.epsilon = c_.norm_epsilon;
    p.norm = norm({}).plan;
    p.conv.channels = int(2 * p.key_dim() + p.inner());
    p.conv.width = r.conv_width;
    return p;
  }

  // Of models made by a search, some layers have none.
  bool has_network() const { return shape().ff > 0 || arch_.mixer != Mixer::matrix; }

  bool has_experts() const { return shape().may_have_experts && has("ffn_gate_inp"); }

  BlockPlan network() const {
    if (has_experts()) return experts();
    return dense(shape().ff);
  }

  DensePlan dense(int ff) const {
    DensePlan p;
    p.hidden = c_.hidden;
    p.ff = ff;
    p.act = c_.act;
    p.gated = arch_.gated;
    p.gate_cut = shape().gate_cut;
    p.xielu = shape().xielu;
    if (arch_.sub_norms) p.sub_norm = norm({}).plan;
    return p;
  }

  MoePlan experts() const {
    MoePlan p;
    p.hidden = c_.hidden;
    p.ff = c_.expert_ff;
    p.act = c_.act;
    p.gated = arch_.gated;
    p.experts = c_.experts;
    p.used = c_.experts_used;
    p.gating = c_.gating;
    p.normalise = c_.normalise_experts;
    p.scale = c_.expert_scale;
    p.groups = c_.expert_groups;
    p.groups_used = c_.expert_groups_used;
    if (has("ffn_up_shexp")) p.shared = dense(c_.shared_ff);
    return p;
  }

  const ModelConfig& c_;
  const ArchSpec& arch_;
  const HasTensor& has_;
  int il_ = 0, states_ = 0;
  std::vector<int> state_of_layer_;  // of layers that attend
};

}  // namespace

std::vector<LayerPlan> plan_layers(const ModelConfig& config, const HasTensor& has) {
  LayerPlanner planner(config, has);
  std::vector<LayerPlan> layers;
  for (int il = 0; il < int(config.layers.size()); ++il) layers.push_back(planner.plan(il));
  return layers;
}

int count_states(const std::vector<LayerPlan>& layers) {
  int count = 0;
  for (const LayerPlan& layer : layers) {
    for_each_state(layer, [&](int state) { count = std::max(count, state + 1); });
  }
  return count;
}

}  // namespace longhand
