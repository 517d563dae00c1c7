#include "loaders/weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_set>

#include "loaders/leftover_tensors.h"
#include "ops/error.h"
#include "ops/format.h"
#include "ops/panels.h"

namespace longhand {
namespace {

// Takes tensors by name and remembers which were taken.
class Taker {
 public:
  Taker(const Gguf& file, Weights& weights) : file_(file), weights_(weights) {}

  const TensorInfo* find(const std::string& name) {
    const TensorInfo* tensor = file_.find_tensor(name);
    if (tensor != nullptr) taken_.insert(tensor->name);
    return tensor;
  }

  [[noreturn]] void refuse(Errc code, std::string_view tensor, std::string_view why) const {
    throw Error(code, fmt::format("{}: tensor '{}' {}", file_.name(), tensor, why));
  }

  void check_shape(const TensorInfo& t, std::initializer_list<std::int64_t> want) const {
    std::string wanted, got;
    bool same = true;
    std::size_t d = 0;
    for (const std::int64_t n : want) {
      same = same && t.dims[d] == std::uint64_t(n);
      wanted += fmt::format("{}{}", d == 0 ? "" : " x ", n);
      ++d;
    }
    for (; d < t.dims.size(); ++d) same = same && t.dims[d] == 1;
    for (int i = 0; i < t.n_dims; ++i)
      got += fmt::format("{}{}", i == 0 ? "" : " x ", t.dims[std::size_t(i)]);
    if (!same) refuse(Errc::shape, t.name, fmt::format("has shape {}, must be {}", got, wanted));
  }

  FormatId format_of(const TensorInfo& t) const {
    const int id = find_format(t.type_id);
    if (id < 0) {
      std::string known;
      for (int i = 0; i < kFormatCount; ++i)
        known += fmt::format("{}{}", i == 0 ? "" : ", ", format_info(FormatId(i)).name);
      refuse(Errc::unsupported, t.name,
             fmt::format("has type {}, which is not one of those supported: {}",
                         known_tensor_type(t.type_id)->name, known));
    }
    return FormatId(id);
  }

  // A vector of n floats, or null when absent.
  const float* vector(const std::string& name, std::int64_t n, bool required) {
    const TensorInfo* t = find(name);
    if (t == nullptr) {
      if (required) refuse(Errc::missing, name, "is missing");
      return nullptr;
    }
    // Norms of single heads may be stored (head_dim, heads): count, not shape, is what matters.
    std::uint64_t count = 1;
    for (const std::uint64_t d : t->dims) count *= d;
    if (count != std::uint64_t(n)) check_shape(*t, {n});
    return decode(*t, n);
  }

  // A stack (dim, n, heads) of vectors, as many as the file has; null when absent.
  const float* stack(const std::string& name, std::int64_t dim, std::int64_t heads, int* n) {
    constexpr std::uint64_t kMost = 1 << 16;
    const TensorInfo* t = find(name);
    if (t == nullptr) return nullptr;
    if (t->dims[1] < 1 || t->dims[1] > kMost)
      refuse(Errc::shape, name, fmt::format("has {} vectors, must have 1..{}", t->dims[1], kMost));
    *n = int(t->dims[1]);
    check_shape(*t, {dim, *n, heads});
    return decode(*t, dim * *n * heads);
  }

  const float* matrix(const std::string& name, std::int64_t in, std::int64_t out, bool required) {
    const TensorInfo* t = find(name);
    if (t == nullptr) {
      if (required) refuse(Errc::missing, name, "is missing");
      return nullptr;
    }
    check_shape(*t, {in, out});
    return decode(*t, in * out);
  }

  const float* keep(std::vector<float> values) {
    weights_.floats.push_back(std::move(values));
    return weights_.floats.back().data();
  }

  std::vector<float> factors(const std::string& name, std::int64_t at_least) {
    const TensorInfo* t = find(name);
    if (t == nullptr) return {};
    const auto n = std::int64_t(t->dims[0]);
    if (t->n_dims != 1 || n < at_least || n > 2 * at_least + 64) {
      refuse(Errc::shape, name, fmt::format("has {} values, must have {}", n, at_least));
    }
    const float* values = decode(*t, n);
    std::vector<float> result(values, values + at_least);
    for (const float f : result) {
      if (!(f > 0)) refuse(Errc::range, name, fmt::format("holds {}, must be positive", f));
    }
    return result;
  }

  // Rows [row, row + rows) of a matrix of `cols` columns.
  MatView rows_of(const TensorInfo& t, std::int64_t row, std::int64_t rows, std::int64_t cols) const {
    const FormatId format = format_of(t);
    return {format, Layout::rows, std::int32_t(rows), std::int32_t(cols),
            t.data.data() + std::size_t(row) * row_bytes(format, cols)};
  }

  const Gguf& file() const { return file_; }

  void count(const TensorInfo& t) {
    weights_.bytes += t.data.size();
    std::uint64_t count = 1;
    for (const std::uint64_t d : t.dims) count *= d;
    weights_.parameters += count;
  }

  void refuse_leftovers(int layers, int skipped) const {
    std::string names;
    int count = 0;
    for (const TensorInfo& t : file_.tensors()) {
      if (taken_.contains(t.name) || known_leftover(t.name, layers, skipped)) continue;
      if (++count <= 4) names += fmt::format("{}'{}'", count == 1 ? "" : ", ", t.name);
    }
    if (count > 0) {
      throw Error(Errc::unsupported, fmt::format("{}: {} tensor{} not used by architecture '{}': {}{}",
                                                 file_.name(), count, count == 1 ? " is" : "s are",
                                                 file_.architecture(), names, count > 4 ? ", ..." : ""));
    }
  }

 private:
  const float* decode(const TensorInfo& t, std::int64_t n) {
    const FormatId format = format_of(t);
    if (n % format_info(format).block_elements != 0)
      refuse(Errc::shape, t.name, "is no whole number of blocks");
    weights_.floats.emplace_back(std::size_t(n));
    decode_blocks(format, t.data.data(), n / std::int64_t{format_info(format).block_elements},
                  weights_.floats.back().data());
    return weights_.floats.back().data();
  }

  const Gguf& file_;
  Weights& weights_;
  std::unordered_set<std::string_view> taken_;
};

struct Shape {
  std::int64_t out, in;
};

class LayerLoader {
 public:
  LayerLoader(Taker& taker, const ModelConfig& config, std::string prefix)
      : taker_(taker), config_(config), prefix_(std::move(prefix)) {}

  NormWeights norm(const char* name, std::int64_t n, bool required = true) {
    NormWeights w{taker_.vector(prefix_ + name + ".weight", n, required), nullptr};
    // A root-mean-square norm has no bias; a file that has one is of another kind, and keeps
    // an unclaimed tensor.
    if (config_.arch->norm == Norm::layer) w.bias = taker_.vector(prefix_ + name + ".bias", n, false);
    return w;
  }

  // Vectors that stand for keys, and random features of keys; files without any are ordinary.
  KeyCodes key_codes(int heads) {
    KeyCodes k;
    const int dim = config_.head_dim;
    const std::vector<int>& levels = config_.attention.fsq_levels;
    k.vectors = taker_.stack(prefix_ + "attn_k_codebook.weight", dim, heads, &k.count);
    if (k.vectors != nullptr) {
      if (const float* w = taker_.matrix(prefix_ + "attn_k_codebook_proj.weight", dim, dim, false)) {
        const std::size_t n = std::size_t(dim) * std::size_t(dim);
        k.vectors = taker_.keep(
            project_codes({k.vectors, std::size_t(heads * k.count) * std::size_t(dim)}, {w, n}, dim));
      }
    } else if (!levels.empty()) {
      const auto e = std::int64_t(levels.size());
      k.fsq_in = taker_.matrix(prefix_ + "attn_k_fsq_in.weight", dim, e, true);
      const float* out = taker_.matrix(prefix_ + "attn_k_fsq_out.weight", e, dim, true);
      const std::vector<float> one = fsq_vectors(levels, out, dim);
      std::vector<float> all;
      for (int h = 0; h < heads; ++h) all.insert(all.end(), one.begin(), one.end());
      k.count = int(one.size()) / dim;
      k.vectors = taker_.keep(std::move(all));
    }
    k.feature = taker_.stack(prefix_ + "attn_k_features.weight", dim, heads, &k.features);
    return k;
  }

  bool has(const char* name) { return taker_.file().find_tensor(prefix_ + name + ".weight") != nullptr; }

  Linear linear(const char* name, Shape shape, bool required = true) {
    return part(name, shape, 0, shape.out, required);
  }

  // Rows [row, row + shape.out) of a fused tensor with `total` rows.
  Linear part(const char* name, Shape shape, std::int64_t row, std::int64_t total, bool required = true) {
    const TensorInfo* t = taker_.find(prefix_ + name + ".weight");
    if (t == nullptr) {
      if (required) taker_.refuse(Errc::missing, prefix_ + name + ".weight", "is missing");
      return {};
    }
    taker_.check_shape(*t, {shape.in, total});
    if (row == 0) taker_.count(*t);
    Linear l{taker_.rows_of(*t, row, shape.out, shape.in), nullptr, 1};
    if (const float* bias = taker_.vector(prefix_ + name + ".bias", total, false)) l.bias = bias + row;
    if (const float* scale = taker_.vector(prefix_ + name + ".scale", 1, false)) l.scale = *scale;
    return l;
  }

  // Experts side by side in one tensor (in, out, experts), or in files of the first generation
  // one tensor each.
  std::vector<Linear> experts(const char* name, const char* single, Shape shape) {
    const int n = config_.experts;
    std::vector<Linear> result;
    const TensorInfo* t = taker_.find(prefix_ + name + ".weight");
    if (t == nullptr && taker_.file().find_tensor(prefix_ + single + ".0.weight") != nullptr) {
      for (int e = 0; e < n; ++e) {
        result.push_back(linear(fmt::format("{}.{}", single, e).c_str(), shape));
        // Rows of a batch are rounded once for all experts.
        if (result.back().weight.format != result[0].weight.format) {
          taker_.refuse(Errc::unsupported, fmt::format("{}{}.{}.weight", prefix_, single, e),
                        "has another type than expert 0");
        }
      }
      return result;
    }
    if (t == nullptr) taker_.refuse(Errc::missing, prefix_ + name + ".weight", "is missing");
    taker_.check_shape(*t, {shape.in, shape.out, n});
    taker_.count(*t);
    const float* scales = taker_.vector(prefix_ + name + ".scale", n, false);
    const float* biases = taker_.vector(prefix_ + name + ".bias", n * shape.out, false);
    for (int e = 0; e < n; ++e) {
      Linear l{taker_.rows_of(*t, e * shape.out, shape.out, shape.in), nullptr, 1};
      if (scales != nullptr) l.scale = scales[e];
      if (biases != nullptr) l.bias = biases + e * shape.out;
      result.push_back(l);
    }
    return result;
  }

 private:
  Taker& taker_;
  const ModelConfig& config_;
  std::string prefix_;
};

void load_attention(LayerLoader& in, const ModelConfig& c, const LayerPlan& plan, LayerWeights& w) {
  const std::int64_t hidden = c.hidden, q = std::int64_t{plan.heads} * c.head_dim,
                     k = std::int64_t{plan.kv_heads} * c.head_dim,
                     v = std::int64_t{plan.kv_heads} * c.value_dim;
  if (in.has("attn_qkv")) {
    w.q = in.part("attn_qkv", {q, hidden}, 0, q + k + v);
    w.k = in.part("attn_qkv", {k, hidden}, q, q + k + v);
    w.v = in.part("attn_qkv", {v, hidden}, q + k, q + k + v);
  } else {
    w.q = in.linear("attn_q", {q, hidden});
    w.k = in.linear("attn_k", {k, hidden});
    w.v = in.linear("attn_v", {v, hidden});
  }
  w.attn_out = in.linear("attn_output", {hidden, std::int64_t{plan.heads} * c.value_dim});
  if (c.arch->qk_norm == QkNorm::per_head) {
    w.q_norm = in.norm("attn_q_norm", c.head_dim);
    w.k_norm = in.norm("attn_k_norm", c.head_dim);
  } else if (c.arch->qk_norm != QkNorm::none) {
    const bool required = c.arch->qk_norm == QkNorm::full_width;
    w.q_norm = in.norm("attn_q_norm", q, required);
    w.k_norm = in.norm("attn_k_norm", k, required);
  }
}

void load_experts(LayerLoader& in, const ModelConfig& c, LayerWeights& w) {
  const std::int64_t hidden = c.hidden, ff = c.expert_ff;
  w.router = in.linear("ffn_gate_inp", {c.experts, hidden});
  w.expert_gate = in.experts("ffn_gate_exps", "ffn_gate", {ff, hidden});
  w.expert_up = in.experts("ffn_up_exps", "ffn_up", {ff, hidden});
  w.expert_down = in.experts("ffn_down_exps", "ffn_down", {hidden, ff});
  if (in.has("ffn_gate_shexp")) {
    const std::int64_t shared = c.shared_ff;
    w.shared_gate = in.linear("ffn_gate_shexp", {shared, hidden});
    w.shared_up = in.linear("ffn_up_shexp", {shared, hidden});
    w.shared_down = in.linear("ffn_down_shexp", {hidden, shared});
    w.shared_router = in.linear("ffn_gate_inp_shexp", {1, hidden}, false);
  }
}

void load_ffn(LayerLoader& in, const ModelConfig& c, const LayerPlan& plan, LayerWeights& w) {
  if (in.has("ffn_gate_inp")) {
    load_experts(in, c, w);
    return;
  }
  const std::int64_t hidden = c.hidden, ff = plan.ff;
  if (c.arch->gated && !in.has("ffn_gate")) {  // fused: gate first, then up
    w.gate = in.part("ffn_up", {ff, hidden}, 0, 2 * ff);
    w.up = in.part("ffn_up", {ff, hidden}, ff, 2 * ff);
  } else {
    if (c.arch->gated) w.gate = in.linear("ffn_gate", {ff, hidden});
    w.up = in.linear("ffn_up", {ff, hidden});
  }
  w.down = in.linear("ffn_down", {hidden, ff});
}

LayerWeights load_layer(LayerLoader in, const ModelConfig& c, LayerPlan& plan) {
  LayerWeights w;
  const NormPlace place = c.arch->place;
  if (place != NormPlace::post) {
    w.attn_norm = in.norm("attn_norm", c.hidden);
    // Where both halves of a parallel layer read the same norm, the file has only one.
    w.ffn_norm = in.norm("ffn_norm", c.hidden, c.arch->residual == Residual::serial);
    plan.parallel = c.arch->residual == Residual::parallel ||
                    (c.arch->residual == Residual::by_ffn_norm && w.ffn_norm.weight == nullptr);
  }
  if (place != NormPlace::pre) {
    w.attn_post_norm = in.norm("post_attention_norm", c.hidden);
    w.ffn_post_norm = in.norm("post_ffw_norm", c.hidden);
  }
  load_attention(in, c, plan, w);
  w.key_codes = in.key_codes(plan.kv_heads);
  load_ffn(in, c, plan, w);
  return w;
}

}  // namespace

Weights load_weights(const Gguf& file, ModelConfig& config) {
  Weights w;
  Taker taker(file, w);
  const TensorInfo* embedding = taker.find("token_embd.weight");
  if (embedding == nullptr) taker.refuse(Errc::missing, "token_embd.weight", "is missing");
  if (embedding->n_dims != 2 || embedding->dims[0] != std::uint64_t(config.hidden) ||
      embedding->dims[1] > (1u << 21)) {
    taker.refuse(Errc::shape, "token_embd.weight",
                 fmt::format("has shape {} x {}, must be {} x vocabulary (at most 2^21)", embedding->dims[0],
                             embedding->dims[1], config.hidden));
  }
  config.vocab = int(embedding->dims[1]);
  taker.count(*embedding);
  w.embedding = taker.rows_of(*embedding, 0, config.vocab, config.hidden);
  LayerLoader top(taker, config, "");
  w.output_norm = top.norm("output_norm", config.hidden);
  w.output = top.linear("output", {config.vocab, config.hidden}, false);
  if (w.output.empty()) w.output.weight = w.embedding;
  const int half = config.rope.rot / 2;
  w.rope_freqs = taker.factors("rope_freqs.weight", half);
  w.rope_long = taker.factors("rope_factors_long.weight", half);
  w.rope_short = taker.factors("rope_factors_short.weight", half);
  for (std::size_t il = 0; il < config.layers.size(); ++il) {
    w.layers.push_back(
        load_layer(LayerLoader(taker, config, fmt::format("blk.{}.", il)), config, config.layers[il]));
  }
  taker.refuse_leftovers(int(config.layers.size()), config.skipped_layers);
  return w;
}

}  // namespace longhand
