// What quantized models say stays near what their sources say.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/longhand_imatrix.h"
#include "engine/longhand_quantize.h"
#include "tests/support/random_model.h"
#include "tests/support/temp_dir.h"

namespace longhand {
namespace {

constexpr int kTokens = 48;

std::vector<Token> tokens() {
  std::vector<Token> ids;
  for (int i = 0; i < kTokens; ++i) ids.push_back(Token(3 + i * i % 97));
  return ids;
}

SessionOptions options() {
  SessionOptions o;
  o.context = kTokens;
  o.threads = 1;
  o.key_cache = o.value_cache = CacheType::f32;
  return o;
}

std::vector<double> log_softmax(std::span<const float> logits) {
  double most = -INFINITY, sum = 0;
  for (const float l : logits) most = std::max(most, double(l));
  for (const float l : logits) sum += std::exp(double(l) - most);
  std::vector<double> out;
  for (const float l : logits) out.push_back(double(l) - most - std::log(sum));
  return out;
}

using Rows = std::vector<std::vector<double>>;

// Of every position.
Rows log_probabilities(const std::string& path) {
  Session session(Model::load(path), options());
  Rows rows;
  session.feed(tokens(), [&](int, std::span<const float> logits) { rows.push_back(log_softmax(logits)); });
  return rows;
}

double mean_kl(const Rows& truth, const Rows& other) {
  double sum = 0;
  for (std::size_t r = 0; r < truth.size(); ++r) {
    for (std::size_t i = 0; i < truth[r].size(); ++i)
      sum += std::exp(truth[r][i]) * (truth[r][i] - other[r][i]);
  }
  return sum / double(truth.size());
}

// Of what the model says elsewhere in the text.
double kl_of_neighbours(const Rows& truth) {
  Rows next = truth;
  std::ranges::rotate(next, next.begin() + 1);
  return mean_kl(truth, next);
}

// Halving the step of all weights quarters the divergence, down to what rounded activations and an expert
// chosen otherwise make of it.
double bound(double bits) { return 600 * std::pow(4, -std::min(bits, 7.5)); }

void expect_near(const test::RandomShape& shape, const std::vector<std::string>& types) {
  const test::TempDir dir;
  const std::string in = dir.file("in.gguf"), out = dir.file("out.gguf"), matrix = dir.file("m.gguf");
  test::random_model(shape).write(in);
  {
    Session session(Model::load(in), options());
    make_imatrix(session, tokens(), matrix);
  }
  const Rows truth = log_probabilities(in);
  const double unrelated = kl_of_neighbours(truth);
  for (const std::string& type : types) {
    const std::string importance = type.starts_with("IQ") ? matrix : "";
    const QuantizeReport report = quantize(in, out, {.type = type, .importance = importance, .threads = 2});
    const double kl = mean_kl(truth, log_probabilities(out));
    EXPECT_LT(kl, bound(report.bits())) << type << " of " << report.bits() << " bits";
    // One bit a weight is for models that were trained with it.
    if (type != "Q1_0") { EXPECT_LT(kl, 0.9 * unrelated) << type; }
  }
}

TEST(QuantizeModel, EveryRecipeKeepsADenseModelNear) {
  expect_near({.arch = "llama",
               .numbers = {{"embedding_length", 256}, {"feed_forward_length", 256}},
               .wishes = {"output.weight"}},
              quantize_types());
}

TEST(QuantizeModel, AModelWithExpertsStaysNear) {
  expect_near({.arch = "qwen3moe",
               .numbers = {{"embedding_length", 256},
                           {"expert_feed_forward_length", 256},
                           {"expert_count", 4},
                           {"expert_used_count", 2}},
               .wishes = {"ffn_gate_inp.weight"}},
              {"Q8_0", "Q4_K_M", "IQ3_S", "MXFP4_MOE", "Q2_K"});
}

}  // namespace
}  // namespace longhand
