// Prediction layers: what they foresee is what a reference in double precision foresees, and the text is the
// same as without them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/api/access.h"
#include "engine/longhand.h"
#include "engine/run/speculate/guesser.h"
#include "engine/run/speculate/hidden_log.h"
#include "tests/reference/parts_double.h"
#include "tests/support/error_code.h"
#include "tests/support/random_model.h"
#include "tests/support/speculating.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"
#include "tests/support/tiny_session.h"

namespace longhand::test {
namespace {

constexpr std::size_t kHidden = 32;

// Its network is dense, so that the reference can be plain.
RandomShape glm() {
  return {.arch = "glm4moe",
          .numbers = {{"rope.dimension_count", 4}, {"attention.key_length", 8}},
          .wishes = {"output.weight", "attn_q.bias", "attn_k.bias", "attn_v.bias", "attn_q_norm.weight",
                     "attn_k_norm.weight"},
          .next_head = true};
}
RandomShape qwen() {
  return {.arch = "qwen35",
          .numbers = {{"attention.key_length", 8},
                      {"attention.value_length", 8},
                      {"rope.dimension_count", 4},
                      {"full_attention_interval", 2},
                      {"ssm.conv_kernel", 4},
                      {"ssm.state_size", 8},
                      {"ssm.group_count", 2},
                      {"ssm.time_step_rank", 4},
                      {"ssm.inner_size", 32}},
          .next_head = true};
}
RandomShape deepseek() {
  return {.arch = "deepseek2",
          .numbers = {{"attention.q_lora_rank", 16},
                      {"attention.kv_lora_rank", 16},
                      {"attention.key_length_mla", 12},
                      {"attention.value_length_mla", 8},
                      {"attention.key_length", 20},
                      {"attention.value_length", 16},
                      {"rope.dimension_count", 4},
                      {"expert_count", 4},
                      {"expert_used_count", 2},
                      {"expert_feed_forward_length", 16},
                      {"leading_dense_block_count", 1}},
          .wishes = {"ffn_gate_inp.weight", "ffn_up_shexp.weight"},
          .next_head = true};
}

Model load(const GgufWriter& w) {
  const TempDir dir;
  w.write(dir.file("model"));
  return Model::load(dir.file("model"), one_thread());
}

SpeculationOptions foreseen(int most) { return {.mtp = true, .most = most, .adapt = false}; }

// The layer in double precision over what the trunk left: token i + 1 comes with the hidden state of token i.
class Reference {
 public:
  explicit Reference(const GgufWriter& file) : w_(file) {}

  void add(Token token, const Vector& hidden) {
    const Vector embedding = w_.row("token_embd.weight", std::size_t(token), kHidden);
    Vector both = w_.rms_norm("blk.2.nextn.enorm", embedding);
    const Vector normed = w_.rms_norm("blk.2.nextn.hnorm", hidden);
    both.insert(both.end(), normed.begin(), normed.end());
    x_.push_back(w_.multiply("blk.2.nextn.eh_proj", both));
  }
  // The token foreseen behind the last, and the layer's hidden state there.
  Token foresee(Vector& hidden) const {
    std::vector<Vector> q, k, v;
    for (const Vector& x : x_) {
      const Vector n = w_.rms_norm("blk.2.attn_norm", x);
      q.push_back(w_.heads_rms_norm("blk.2.attn_q_norm", w_.multiply("blk.2.attn_q", n), 8));
      k.push_back(w_.heads_rms_norm("blk.2.attn_k_norm", w_.multiply("blk.2.attn_k", n), 8));
      v.push_back(w_.multiply("blk.2.attn_v", n));
    }
    const auto a = attend({4, 2, 8}, plain_rope(4, true), q, k, v);
    const Vector h = x_.back() + w_.multiply("blk.2.attn_output", a.back());
    const Vector y = h + network(w_, "blk.2.", w_.rms_norm("blk.2.post_attention_norm", h), silu);
    hidden = w_.rms_norm("blk.2.nextn.shared_head_norm", y);
    const Vector logits = w_.multiply("output", hidden);
    return Token(std::ranges::max_element(logits) - logits.begin());
  }
  void drop(std::size_t count) { x_.resize(x_.size() - count); }

 private:
  DoubleWeights w_;
  std::vector<Vector> x_;
};

TEST(NextTokens, AreThoseOfTheReference) {
  const GgufWriter file = random_model(glm());
  const Model model = load(file);
  const SessionOptions options = {
      .context = 128, .threads = 1, .key_cache = CacheType::f32, .value_cache = CacheType::f32};
  const std::vector<Token> text = some_tokens(40);
  std::vector<Vector> hidden;
  Session other(model, options);
  other.feed(
      text, [&](int, std::span<const float> row) { hidden.emplace_back(row.begin(), row.end()); },
      Want::hidden);

  Session session(model, options);
  const auto guesser = make_next_tokens(session, options);
  Reference reference(file);
  constexpr int kMost = 4;
  int fed = 0;
  // In pieces, with a text that goes back and on in between.
  for (const int size : {7, 8, 9, 20, 39}) {
    session.feed(std::span(text).subspan(std::size_t(fed), std::size_t(size - fed)));
    if (size == 9) {
      session.feed(some_tokens(5, 9));
      guesser->propose(session.tokens(), 3, kMost);
      session.rewind(size);
    }
    for (; fed < size; ++fed) reference.add(text[std::size_t(fed) + 1], hidden[std::size_t(fed)]);
    const auto guesses = guesser->propose(session.tokens(), text[std::size_t(size)], kMost);
    ASSERT_EQ(guesses.size(), std::size_t(kMost)) << size;
    Vector state;
    for (int i = 0; i < kMost; ++i) {
      ASSERT_EQ(guesses[std::size_t(i)], reference.foresee(state)) << size << ", guess " << i;
      reference.add(guesses[std::size_t(i)], state);
    }
    reference.drop(kMost);
  }
}

TEST(NextTokens, ChangeNoText) {
  for (const RandomShape& shape : {glm(), qwen(), deepseek()}) {
    SCOPED_TRACE(shape.arch);
    const Model model = load(random_model(shape));
    for (const int most : {1, 3, 9}) {
      for (const float temperature : {0.0f, 1.0f}) {
        SpeculationCase c;
        c.sampler.temperature = temperature;
        c.sampler.ignore_eos = true;
        const Outcome o = expect_same(model, some_tokens(20), c, foreseen(most));
        EXPECT_GT(o.guesses, 0);
      }
    }
    SpeculationCase paced;
    paced.session.context = 512;
    paced.sampler.ignore_eos = true;
    paced.generate.max_tokens = 300;
    expect_same(model, some_tokens(20), paced, {.mtp = true});
  }
}

// A layer that gives back the state it is given foresees what the model itself would write.
TEST(NextTokens, ComeTrueWhereTheLayerKnowsTheText) {
  GgufWriter file = random_model(glm());
  // The model writes the token it has read, whatever came before.
  for (GgufWriter::Tensor& t : file.tensors) {
    if (t.name.ends_with("attn_output.weight") || t.name.ends_with("ffn_down.weight"))
      t.data.assign(t.data.size(), '\0');
    if (t.name != "output.weight") continue;
    t.data = tensor(file, "token_embd.weight").data;
  }
  std::vector<float> join(2 * kHidden * kHidden);
  for (std::size_t i = 0; i < kHidden; ++i) join[i * 2 * kHidden + i] = 1;  // of the embedding
  GgufWriter::Tensor& t = tensor(file, "blk.2.nextn.eh_proj.weight");
  t.data.assign(reinterpret_cast<const char*>(join.data()), join.size() * sizeof(float));
  const Model model = load(file);
  SpeculationCase c;
  c.sampler.ignore_eos = true;
  const Outcome o = expect_same(model, some_tokens(20), c, foreseen(3));
  EXPECT_GT(o.right, 30);
  EXPECT_LT(o.feeds, 30);
}

TEST(NextTokens, AreRefusedWhereThereAreNone) {
  const auto refusal = [](const Model& model, const SpeculationOptions& how) {
    Session session(model, {.context = 64, .threads = 1});
    return code_of([&] { Speculation(session, {.context = 64, .threads = 1}, how); });
  };
  EXPECT_EQ(refusal(load(tiny_llama()), foreseen(2)), Errc::unsupported);
  const Model model = load(random_model(glm()));
  EXPECT_EQ(refusal(model, {.draft = model, .mtp = true}), Errc::range);
  GgufWriter other = random_model({.arch = "llama", .next_head = true});
  EXPECT_EQ(refusal(load(other), foreseen(2)), Errc::unsupported);
  GgufWriter broken = random_model(glm());
  std::erase_if(broken.tensors, [](const auto& t) { return t.name == "blk.2.nextn.eh_proj.weight"; });
  EXPECT_EQ(refusal(load(broken), foreseen(2)), Errc::missing);
}

TEST(HiddenLog, KnowsTheLastTokens) {
  HiddenLog log(1, 4);
  const auto take = [&](int position, std::initializer_list<float> values) {
    std::copy(values.begin(), values.end(), log.room(int(values.size())));
    log.take(position, int(values.size()));
  };
  take(0, {0, 1, 2});
  EXPECT_EQ(log.begin(), 0);
  EXPECT_EQ(log.end(), 3);
  take(3, {3, 4, 5});
  EXPECT_EQ(log.begin(), 2);
  EXPECT_EQ(*log.at(5), 5);
  take(4, {14});  // the text went back
  EXPECT_EQ(log.end(), 5);
  EXPECT_EQ(*log.at(4), 14);
  EXPECT_EQ(*log.at(3), 3);
  take(9, {9});  // some were never seen
  EXPECT_EQ(log.begin(), 9);
  take(0, {1, 2, 3, 4, 5, 6, 7});
  EXPECT_EQ(log.begin(), 3);
  EXPECT_EQ(*log.at(3), 4);
}

}  // namespace
}  // namespace longhand::test
