// Architectures of which there is no reference but their authors' description, compared with it in double
// precision.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/longhand.h"
#include "tests/reference/parts_double.h"
#include "tests/support/golden.h"
#include "tests/support/random_model.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_session.h"

namespace longhand::test {
namespace {

constexpr std::size_t kHidden = 32;
constexpr DoubleHeads kHeads{4, 2, 8};

Model load(const GgufWriter& w) {
  const TempDir dir;
  w.write(dir.file("model"));
  return Model::load(dir.file("model"), one_thread());
}

std::vector<float> logits_of(const Model& model, const std::vector<Token>& tokens) {
  Session session(model,
                  {.context = 64, .threads = 1, .key_cache = CacheType::f32, .value_cache = CacheType::f32});
  std::vector<float> all;
  session.feed(tokens,
               [&](int, std::span<const float> row) { all.insert(all.end(), row.begin(), row.end()); });
  return all;
}

std::vector<Vector> embedded(const DoubleWeights& w, const std::vector<Token>& tokens) {
  std::vector<Vector> x;
  for (const Token t : tokens) x.push_back(w.row("token_embd.weight", std::size_t(t), kHidden));
  return x;
}

// attn_output(attention(rows)) of a layer.
std::vector<Vector> attention(const DoubleWeights& w, const std::string& layer, const DoubleRope& rope,
                              const std::vector<Vector>& rows, const DoubleHeads& heads = kHeads) {
  std::vector<Vector> q, k, v;
  for (const Vector& n : rows) {
    q.push_back(w.multiply(layer + "attn_q", n));
    k.push_back(w.multiply(layer + "attn_k", n));
    v.push_back(w.multiply(layer + "attn_v", n));
  }
  std::vector<Vector> out = attend(heads, rope, q, k, v);
  for (Vector& o : out) o = w.multiply(layer + "attn_output", o);
  return out;
}

void append(std::vector<float>& to, const Vector& logits) {
  to.insert(to.end(), logits.begin(), logits.end());
}

// Wang and Komatsuzaki 2021: attention and network read the same norm; pairs are neighbours; only the network
// and the head have biases.
TEST(DescribedModels, GptJ) {
  const GgufWriter file =
      random_model({.arch = "gptj",
                    .numbers = {{"rope.dimension_count", 4}, {"attention.head_count_kv", 4}},
                    .wishes = {"attn_norm.bias", "output_norm.bias", "ffn_up.bias", "ffn_down.bias",
                               "output.weight", "output.bias"}});
  const DoubleWeights w(file);
  const std::vector<Token> tokens = some_tokens(30);
  std::vector<Vector> x = embedded(w, tokens);
  for (const std::string layer : {"blk.0.", "blk.1."}) {
    std::vector<Vector> n;
    for (const Vector& row : x) n.push_back(w.layer_norm(layer + "attn_norm", row));
    const auto a = attention(w, layer, plain_rope(4, false), n, {4, 4, 8});
    for (std::size_t t = 0; t < x.size(); ++t) x[t] = x[t] + a[t] + network(w, layer, n[t], gelu);
  }
  std::vector<float> want;
  for (const Vector& row : x) append(want, w.multiply("output", w.layer_norm("output_norm", row)));
  EXPECT_LT(nmse(logits_of(load(file), tokens), want), 1e-9);
}

struct Chosen {
  std::size_t expert;
  double weight;
};
// Liu et al. 2024, GRIN, with the authors' jitter of 0.01: two experts, each weighed by the softmax over
// those within 2%.
std::vector<Chosen> sparse_mixer(Vector scores) {
  std::vector<Chosen> chosen;
  const Vector all = scores;
  for (int i = 0; i < 2; ++i) {
    const auto best = std::max_element(scores.begin(), scores.end());
    const double most = *best;
    double sum = 0;
    for (std::size_t e = 0; e < scores.size(); ++e) {
      const double factor = std::max(std::abs(all[e]), most);
      if (!std::isinf(scores[e]) && (most - all[e]) / factor <= 0.02) sum += std::exp(scores[e] - most);
    }
    chosen.push_back({std::size_t(best - scores.begin()), 1 / sum});
    *best = -INFINITY;
  }
  return chosen;
}

TEST(DescribedModels, PhiMoE) {
  constexpr std::size_t kExperts = 6;
  GgufWriter file = random_model(
      {.arch = "phimoe",
       .numbers = {{"rope.dimension_count", 8}, {"expert_count", kExperts}, {"expert_used_count", 2}},
       .wishes = {"attn_norm.bias", "ffn_norm.bias", "output_norm.bias", "output.weight", "output.bias",
                  "attn_q.bias", "attn_k.bias", "attn_v.bias", "attn_output.bias", "ffn_gate_inp.weight"}});
  // Converters state the epsilon as that of the other kind of norms.
  std::erase_if(file.entries, [](const auto& e) { return e.key == "phimoe.attention.layer_norm_epsilon"; });
  const DoubleWeights w(file);
  const std::vector<Token> tokens = some_tokens(30);
  std::vector<Vector> x = embedded(w, tokens);
  int near = 0;
  for (const std::string layer : {"blk.0.", "blk.1."}) {
    std::vector<Vector> n;
    for (const Vector& row : x) n.push_back(w.layer_norm(layer + "attn_norm", row));
    const auto a = attention(w, layer, plain_rope(8, true), n);
    for (std::size_t t = 0; t < x.size(); ++t) {
      const Vector h = x[t] + a[t], m = w.layer_norm(layer + "ffn_norm", h);
      x[t] = h;
      for (const auto& [e, weight] : sparse_mixer(w.multiply(layer + "ffn_gate_inp", m))) {
        near += weight < 0.99;
        Vector inner = w.multiply(layer + "ffn_up_exps", m, e, kExperts);
        const Vector gate = w.multiply(layer + "ffn_gate_exps", m, e, kExperts);
        for (std::size_t i = 0; i < inner.size(); ++i) inner[i] *= silu(gate[i]);
        Vector y = w.multiply(layer + "ffn_down_exps", inner, e, kExperts);
        for (double& value : y) value *= weight;
        x[t] = x[t] + y;
      }
    }
  }
  std::vector<float> want;
  for (const Vector& row : x) append(want, w.multiply("output", w.layer_norm("output_norm", row)));
  EXPECT_GT(near, 0) << "no token had two experts of about the same score";
  EXPECT_LT(nmse(logits_of(load(file), tokens), want), 1e-9);
}

// Chameleon Team 2024: norms of queries and keys of each head; the larger model has its other norms behind
// the blocks.
TEST(DescribedModels, Chameleon) {
  for (const bool behind : {false, true}) {
    GgufWriter file = random_model(
        {.arch = "chameleon",
         .numbers = {{"rope.dimension_count", 8}},
         .wishes = {"attn_q_norm.weight", "attn_q_norm.bias", "attn_k_norm.weight", "attn_k_norm.bias"}});
    if (behind) file.add("chameleon.swin_norm", true);
    const DoubleWeights w(file);
    const std::vector<Token> tokens = some_tokens(30);
    const auto heads_normed = [&](const std::string& name, Vector x) {
      const Vector &weight = w.vector(name + ".weight"), &bias = w.vector(name + ".bias");
      for (std::size_t h = 0; h < x.size(); h += 8) {
        double mean = 0, squares = 0;
        for (std::size_t d = 0; d < 8; ++d) mean += x[h + d] / 8;
        for (std::size_t d = 0; d < 8; ++d) squares += (x[h + d] - mean) * (x[h + d] - mean) / 8;
        for (std::size_t d = 0; d < 8; ++d)
          x[h + d] = (x[h + d] - mean) / std::sqrt(squares + 1e-5) * weight[h + d] + bias[h + d];
      }
      return x;
    };
    std::vector<Vector> x = embedded(w, tokens);
    for (const std::string layer : {"blk.0.", "blk.1."}) {
      const auto norm = [&](const char* name, const Vector& v) { return w.rms_norm(layer + name, v); };
      std::vector<Vector> q, k, v;
      for (const Vector& row : x) {
        const Vector n = behind ? row : norm("attn_norm", row);
        q.push_back(heads_normed(layer + "attn_q_norm", w.multiply(layer + "attn_q", n)));
        k.push_back(heads_normed(layer + "attn_k_norm", w.multiply(layer + "attn_k", n)));
        v.push_back(w.multiply(layer + "attn_v", n));
      }
      const auto a = attend(kHeads, plain_rope(8, false), q, k, v);
      for (std::size_t t = 0; t < x.size(); ++t) {
        const Vector o = w.multiply(layer + "attn_output", a[t]);
        x[t] = x[t] + (behind ? norm("attn_norm", o) : o);
        const Vector f = network(w, layer, behind ? x[t] : norm("ffn_norm", x[t]), silu);
        x[t] = x[t] + (behind ? norm("ffn_norm", f) : f);
      }
    }
    std::vector<float> want;
    for (const Vector& row : x) append(want, w.multiply("token_embd", w.rms_norm("output_norm", row)));
    EXPECT_LT(nmse(logits_of(load(file), tokens), want), 1e-9) << behind;
  }
}

// Wang et al. 2023: of text, an ordinary decoder. The weights for tokens of pictures are left out.
TEST(DescribedModels, CogVlm) {
  GgufWriter file = random_model({.arch = "cogvlm",
                                  .numbers = {{"rope.dimension_count", 8}, {"attention.head_count_kv", 4}},
                                  .wishes = {"attn_qkv.weight"}});
  file.tensor("blk.0.vis_attn_qkv.weight", {32, 96}, std::vector<float>(32 * 96, 1.0f));
  file.tensor("blk.1.vis_gate.weight", {32, 48}, std::vector<float>(32 * 48, 1.0f));
  const DoubleWeights w(file);
  const std::vector<Token> tokens = some_tokens(30);
  std::vector<Vector> x = embedded(w, tokens);
  for (const std::string layer : {"blk.0.", "blk.1."}) {
    std::vector<Vector> q, k, v;
    for (const Vector& row : x) {
      const Vector all = w.multiply(layer + "attn_qkv", w.rms_norm(layer + "attn_norm", row));
      q.emplace_back(all.begin(), all.begin() + 32);
      k.emplace_back(all.begin() + 32, all.begin() + 64);
      v.emplace_back(all.begin() + 64, all.end());
    }
    const auto a = attend({4, 4, 8}, plain_rope(8, true), q, k, v);
    for (std::size_t t = 0; t < x.size(); ++t) {
      x[t] = x[t] + w.multiply(layer + "attn_output", a[t]);
      x[t] = x[t] + network(w, layer, w.rms_norm(layer + "ffn_norm", x[t]), silu);
    }
  }
  std::vector<float> want;
  for (const Vector& row : x) append(want, w.multiply("token_embd", w.rms_norm("output_norm", row)));
  const Model model = load(file);
  EXPECT_LT(nmse(logits_of(model, tokens), want), 1e-9);
  ASSERT_EQ(model.info().warnings.size(), 1u);
  EXPECT_NE(model.info().warnings[0].find("its 2 tensors are left out"), std::string::npos);
}

// Wei et al. 2025: the first layer is dense; in the others experts are weighed by their probabilities as they
// are, and a network of every token is added.
TEST(DescribedModels, DeepSeekOcr) {
  constexpr std::size_t kExperts = 6, kUsed = 2;
  const GgufWriter file = random_model({.arch = "deepseek2-ocr",
                                        .numbers = {{"rope.dimension_count", 8},
                                                    {"attention.head_count_kv", 4},
                                                    {"expert_count", kExperts},
                                                    {"expert_used_count", kUsed},
                                                    {"expert_feed_forward_length", 16},
                                                    {"expert_shared_count", 2},
                                                    {"leading_dense_block_count", 1}},
                                        .wishes = {"ffn_gate_inp.weight", "ffn_up_shexp.weight"}});
  const DoubleWeights w(file);
  const std::vector<Token> tokens = some_tokens(30);
  std::vector<Vector> x = embedded(w, tokens);
  const auto gated = [](Vector gate, const Vector& up) {
    for (std::size_t i = 0; i < gate.size(); ++i) gate[i] = silu(gate[i]) * up[i];
    return gate;
  };
  for (const std::string layer : {"blk.0.", "blk.1."}) {
    std::vector<Vector> n;
    for (const Vector& row : x) n.push_back(w.rms_norm(layer + "attn_norm", row));
    const auto a = attention(w, layer, plain_rope(8, true), n, {4, 4, 8});
    for (std::size_t t = 0; t < x.size(); ++t) {
      x[t] = x[t] + a[t];
      const Vector m = w.rms_norm(layer + "ffn_norm", x[t]);
      if (layer == "blk.0.") {
        x[t] = x[t] + network(w, layer, m, silu);
        continue;
      }
      Vector p = w.multiply(layer + "ffn_gate_inp", m);
      double sum = 0;
      for (double& z : p) sum += z = std::exp(z);
      x[t] = x[t] + w.multiply(layer + "ffn_down_shexp", gated(w.multiply(layer + "ffn_gate_shexp", m),
                                                               w.multiply(layer + "ffn_up_shexp", m)));
      for (std::size_t i = 0; i < kUsed; ++i) {
        const auto best = std::ranges::max_element(p);
        const auto e = std::size_t(best - p.begin());
        Vector y = w.multiply(layer + "ffn_down_exps",
                              gated(w.multiply(layer + "ffn_gate_exps", m, e, kExperts),
                                    w.multiply(layer + "ffn_up_exps", m, e, kExperts)),
                              e, kExperts);
        for (double& value : y) value *= *best / sum;
        x[t] = x[t] + y;
        *best = -1;
      }
    }
  }
  std::vector<float> want;
  for (const Vector& row : x) append(want, w.multiply("token_embd", w.rms_norm("output_norm", row)));
  EXPECT_LT(nmse(logits_of(load(file), tokens), want), 1e-9);
}

}  // namespace
}  // namespace longhand::test
