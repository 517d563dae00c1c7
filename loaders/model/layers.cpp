#include "loaders/model/layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "loaders/model/network_plans.h"
#include "loaders/model/recurrent_plans.h"

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
    if (alternates()) layer.rounds.push_back(stream_round<AltupPredictPlan>());
    add_halves(layer);
    if (arch_.hyper) connect(layer);
    finish(layer);
    return layer;
  }

 private:
  // What mixes tokens, and the network.
  void add_halves(LayerPlan& layer) {
    const auto add = [&](Round r) { layer.rounds.push_back(std::move(r)); };
    if (arch_.single_block) return add(round({shape().mixer == Mixer::none ? feed_forward() : mix()}));
    Block mixer = mix();
    if (arch_.beside_attention) {
      add(round({std::move(mixer), block(plan_recurrent(arch_.mixer, recurrent()), "attn_norm", {})}));
      return add(round({feed_forward()}));
    }
    if (has_experts() && has_dense_beside()) {
      add(mix_round(std::move(mixer)));
      return add(dense_beside_experts());
    }
    Block network = feed_forward();
    const bool parallel =
        c_.residual == Residual::parallel || (c_.residual == Residual::by_ffn_norm && !has(arch_.ffn_norm));
    if (parallel) return add(round({std::move(mixer), std::move(network)}));
    if (shape().mixer != Mixer::none)
      add(arch_.laurel_rank > 0 ? beside_laurel(std::move(mixer)) : mix_round(std::move(mixer)));
    if (has_network()) add(round({std::move(network)}));
  }

  bool alternates() const { return c_.streams > 1 && !arch_.hyper; }

  // Before each of the rounds, which change all streams, what it reads is made of them.
  void connect(LayerPlan& layer) const {
    std::vector<Round> rounds;
    for (Round& r : layer.rounds) {
      HyperMixPlan mix;
      mix.hidden = c_.hidden;
      mix.streams = c_.streams;
      mix.iterations = c_.hyper_iterations;
      mix.epsilon = c_.hyper_epsilon;
      mix.of_network = !rounds.empty();
      mix.norm = norm({}).plan;
      Round before = round({Block{{}, {}, std::move(mix)}});
      before.to = AddTo::nothing;
      r.to = AddTo::each_stream;
      rounds.push_back(std::move(before));
      rounds.push_back(std::move(r));
    }
    layer.rounds = std::move(rounds);
  }

  const LayerShape& shape() const { return c_.layers[std::size_t(il_)]; }
  bool has(std::string_view name) const { return has_(fmt::format("blk.{}.{}.weight", il_, name)); }

  StreamNorm norm(std::string_view name) const {
    return {arch_.norm_weights ? name : "", {c_.norm, c_.norm_epsilon, nullptr, nullptr}};
  }

  Round round(std::vector<Block> blocks) const {
    Round r;
    r.side_by_side = std::move(blocks);
    r.scale = c_.residual_scale;
    return r;
  }

  Round mix_round(Block mixer) const {
    Round r = round({std::move(mixer)});
    if (c_.attention_output_scale != 0) r.scale = c_.attention_output_scale;
    return r;
  }

  // With the norms the architecture puts around a block.
  Block block(BlockPlan plan, std::string_view before, std::string_view after) const {
    Block b;
    if (c_.place == NormPlace::pre || c_.place == NormPlace::sandwich) b.pre = norm(before);
    // A file that puts norms elsewhere than its architecture calls them as before.
    if (c_.place == NormPlace::post || c_.place == NormPlace::sandwich)
      b.post = norm(c_.place == arch_.place ? after : before);
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
    const bool streams = alternates();
    if (streams) layer.rounds.push_back(stream_round<AltupCorrectPlan>());
    if (c_.per_layer_width > 0) {
      Block b;
      if (streams) b.pre = {"altup_correct_scale", {Norm::scale, 0, nullptr, nullptr}};
      b.post = norm("post_norm");
      b.plan = PerLayerInputPlan{c_.hidden, c_.per_layer_width, il_, c_.act, {}, {}};
      layer.rounds.push_back(round({std::move(b)}));
      if (streams) layer.rounds.back().to = AddTo::other_streams;
    }
    if (c_.rwkv.rescale_every > 0 && (il_ + 1) % c_.rwkv.rescale_every == 0) {
      static constexpr float kHalf = 0.5f;
      layer.rounds.back().output_scale = &kHalf;
    }
    if (arch_.adds_embedding) {
      Block b;
      b.plan = EmbeddingAgainPlan{c_.hidden, nullptr};
      layer.rounds.back().side_by_side.push_back(std::move(b));
    } else if (has("layer_output_scale") && !layer.rounds.empty()) {
      layer.rounds.back().output_scale_name = "layer_output_scale";
    }
  }

  // Some models of a family have only the experts.
  bool has_dense_beside() const {
    return arch_.beside != DenseBeside::no && (arch_.beside != DenseBeside::same_norm || has("ffn_up"));
  }

  Round dense_beside_experts() const {
    if (arch_.beside == DenseBeside::same_norm) return dense_by_same_norm();
    if (arch_.beside == DenseBeside::layer_input) return dense_and_layer_input();
    MoePlan moe = experts();
    moe.router_norm = norm({}).plan;
    moe.router_scale = 1 / std::sqrt(float(c_.hidden));
    Round r = round({Block{norm(arch_.ffn_norm), norm("post_ffw_norm_1"), dense(shape().ff)},
                     Block{norm("pre_ffw_norm_2"), norm("post_ffw_norm_2"), std::move(moe)}});
    r.post = norm("post_ffw_norm");
    return r;
  }

  // A root-mean-square norm takes a factor away but for its epsilon: that of the sum over sqrt(2) is that of
  // the sum with twice the epsilon.
  Round dense_by_same_norm() const {
    Round r = round(
        {Block{norm(arch_.ffn_norm), {}, dense(shape().ff)}, Block{norm(arch_.ffn_norm), {}, experts()}});
    r.post = norm(ffn_post_norm());
    r.post.plan.epsilon *= 2;
    return r;
  }

  Round dense_and_layer_input() const {
    Block moe{norm("ffn_norm_exps"), {}, experts()};
    moe.of_entry = true;
    return round({Block{norm(arch_.ffn_norm), {}, dense(c_.hidden)}, std::move(moe)});
  }

  std::string_view ffn_post_norm() const {
    return has("layer_output_norm") ? "layer_output_norm" : "post_ffw_norm";
  }

  // Where both halves of a parallel layer have norms of their own, that of attention may be the second.
  Block mix() {
    const bool second = c_.residual == Residual::parallel && has("attn_norm_2");
    Block b = block(mixer(), second ? "attn_norm_2" : "attn_norm", arch_.attention_post_norm);
    if (il_ == 0 && !arch_.first_norm) b.pre = {};
    return b;
  }

  BlockPlan mixer() {
    switch (shape().mixer) {
      case Mixer::attention:
        return attention();
      case Mixer::latent:
        return latent();
      case Mixer::compressed:
        return compressed();
      case Mixer::matrix:
        return MatrixPlan{c_.hidden, {}};
      case Mixer::none:
        return {};
      default:
        return plan_recurrent(shape().mixer, recurrent());
    }
  }

  Block feed_forward() {
    // Where both halves of a parallel layer read the same norm, the file has only one.
    const bool own_norm = c_.residual == Residual::serial || has(arch_.ffn_norm);
    return block(network(), own_norm ? arch_.ffn_norm : "attn_norm", ffn_post_norm());
  }

  // What every attention has.
  void settle(AttentionCore& p) {
    const LayerShape& shape = this->shape();
    p.heads = shape.heads;
    p.kv_heads = shape.kv_heads;
    p.head_dim = shape.head_dim;
    p.value_dim = shape.value_dim;
    p.value_in_key = shape.value_in_key;
    p.window = shape.window;
    p.ratio = shape.ratio;
    p.near = shape.near;
    p.chunked = arch_.window.chunks;
    p.causal = c_.causal;
    p.rope = shape.rope ? c_.pairs : Rope::none;
    p.local_rope = shape.local_rope;
    p.scale = c_.attention_scale != 0 ? c_.attention_scale : 1.0f / std::sqrt(float(p.head_dim));
    p.tempered = shape.tempered;
    p.softcap = c_.attention_softcap;
    if (c_.alibi != 0) p.slopes = alibi_slopes(p.heads, double(c_.alibi));
    p.stores = shape.kv_layer < 0;
    p.state = p.stores ? states_++ : state_of_layer_[std::size_t(shape.kv_layer)];
    state_of_layer_[std::size_t(il_)] = p.state;
    if (arch_.value_norm) p.value_norm = norm({}).plan;
    if (has_indexer()) p.indexer = indexer();
  }

  bool has_indexer() const {
    switch (arch_.indexed) {
      case Indexed::none:
        return false;
      case Indexed::all:
        return true;
      case Indexed::by_tensor:
        return c_.indexer.heads > 0 && has("indexer.attn_k");
      case Indexed::behind_dense:
        return shape().may_have_experts;
      case Indexed::overlapping:
        return overlaps(shape().ratio);
    }
    return false;
  }

  IndexerPlan indexer() const {
    constexpr float kEpsilon = 1e-6f;  // of DeepSeek's, which no file states
    IndexerPlan p;
    p.heads = c_.indexer.heads;
    p.width = c_.indexer.width;
    p.top = c_.indexer.top;
    p.block = c_.indexer.block;
    p.local = c_.indexer.local;
    p.ratio = shape().ratio;
    p.for_each_kv_head = arch_.indexed == Indexed::behind_dense;
    p.q_in = p.for_each_kv_head ? c_.hidden : c_.latent.q_rank;
    p.k_norm = p.for_each_kv_head ? norm({}).plan : NormPlan{Norm::layer, kEpsilon, nullptr, nullptr};
    if (p.for_each_kv_head) p.q_norm = norm({}).plan;
    if (p.ratio > 0) p.k_norm = {};
    return p;
  }

  AttentionPlan attention() {
    AttentionPlan p;
    settle(p);
    p.hidden = c_.hidden;
    p.gate_kind = arch_.gate;
    p.gates_heads = c_.gates_heads;
    p.qk_norm = shape().qk_norm;
    p.values_are_keys = arch_.value_norm && p.head_dim == p.value_dim && !has("attn_v") && !has("attn_qkv");
    constexpr float kOwnEpsilon = 1e-5f;  // of Chameleon's, which no file states
    if (p.qk_norm != QkNorm::none) p.q_norm = p.k_norm = norm({}).plan;
    if (p.qk_norm == QkNorm::own_layer_norm)
      p.q_norm = p.k_norm = {Norm::layer, kOwnEpsilon, nullptr, nullptr};
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
    p.pe = p.head_dim - p.rank;
    p.nope = c_.latent.key_dim - p.pe;
    p.head_value = c_.latent.value_dim;
    p.q_a_norm = p.kv_a_norm = norm({}).plan;
    return p;
  }

  CompressorPlan compressor(int width, bool of_indexer) const {
    CompressorPlan p;
    p.hidden = c_.hidden;
    p.ratio = shape().ratio;
    p.width = width;
    p.of_indexer = of_indexer;
    p.norm = norm({}).plan;
    return p;
  }

  CompressedPlan compressed() {
    CompressedPlan p;
    settle(p);
    p.hidden = c_.hidden;
    p.q_rank = c_.latent.q_rank;
    p.groups = c_.compressed.groups;
    p.out_rank = c_.compressed.out_rank;
    p.qk_norm = QkNorm::unweighted;
    p.q_norm = p.q_a_norm = p.kv_norm = norm({}).plan;
    p.keys = compressor(p.head_dim, false);
    if (!p.indexer.empty()) p.index_keys = compressor(p.indexer.width, true);
    return p;
  }

  RecurrentLayer recurrent() {
    return {c_, il_, states_++, norm({}).plan,
            [this](std::string_view name) { return has_(fmt::format("blk.{}.{}", il_, name)); }};
  }

  // Of models made by a search, some layers have none.
  bool has_network() const { return shape().ff > 0 || arch_.mixer != Mixer::matrix; }

  bool has_experts() const { return shape().may_have_experts && has("ffn_gate_inp"); }

  BlockPlan network() {
    if (arch_.channel_mix) return plan_channel_mix(recurrent(), shape().ff);
    if (has_experts()) return experts();
    return dense(shape().ff);
  }

  DensePlan dense(int ff) const { return plan_dense(c_, shape(), ff); }
  MoePlan experts() const { return plan_experts(c_, shape(), has("ffn_up_shexp")); }

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
