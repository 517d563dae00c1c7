// Embeddings in place of tokens, and positions of three numbers: compared with their definition in double
// precision (M-RoPE, arXiv 2409.12191; its sections in turns in Qwen3-VL).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/longhand.h"
#include "tests/reference/parts_double.h"
#include "tests/support/error_code.h"
#include "tests/support/golden.h"
#include "tests/support/random_model.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"
#include "tests/support/tiny_session.h"

namespace longhand::test {
namespace {

constexpr std::size_t kHidden = 64;
constexpr DoubleHeads kHeads{4, 2, 16};  // 8 pairs

Model load(const GgufWriter& w) {
  const TempDir dir;
  w.write(dir.file("model"));
  return Model::load(dir.file("model"), one_thread());
}

SessionOptions options() {
  return {.context = 128, .threads = 1, .key_cache = CacheType::f32, .value_cache = CacheType::f32};
}

RandomShape shape_of(const std::string& arch, const std::vector<std::int32_t>& sections) {
  RandomShape s{.arch = arch,
                .numbers = {{"embedding_length", 64}, {"rope.dimension_count", 16}},
                .lists = {{"rope.dimension_sections", sections}}};
  if (arch == "qwen2vl") s.wishes = {"attn_q.bias", "attn_k.bias", "attn_v.bias"};
  return s;
}

// A text with a picture of 2 x 3 in it: two tokens, six embeddings, and three tokens behind.
struct Picture {
  std::vector<Token> before = {10, 20}, after = {30, 40, 50};
  std::vector<TokenPosition> positions = {{2, 2, 2}, {2, 2, 3}, {2, 2, 4}, {2, 3, 2}, {2, 3, 3}, {2, 3, 4}};
  std::vector<float> values;

  Picture() {
    for (std::size_t i = 0; i < positions.size() * kHidden; ++i)
      values.push_back(float(std::sin(double(i * i) * 0.37)));
  }
  // Of the whole text; what follows stands behind the greatest number.
  std::vector<TokenPosition> all() const {
    std::vector<TokenPosition> p = {{0, 0, 0}, {1, 1, 1}};
    p.insert(p.end(), positions.begin(), positions.end());
    for (const int i : {5, 6, 7}) p.push_back({i, i, i});
    return p;
  }
  std::vector<float> feed(Session& session) const {
    session.feed(before);
    session.feed(Embeddings{values, positions});
    return copy_of(session.feed(after));
  }
};

// Which number turns pair m: [time, height, width] one section after the other, or in turns.
using Number = std::int32_t TokenPosition::*;
Number contiguous(const std::vector<std::int32_t>& s, int m) {
  return m < s[0] ? &TokenPosition::t : m < s[0] + s[1] ? &TokenPosition::h : &TokenPosition::w;
}
Number in_turns(const std::vector<std::int32_t>& s, int m) {
  if (m % 3 == 1 && m < 3 * s[1]) return &TokenPosition::h;
  if (m % 3 == 2 && m < 3 * s[2]) return &TokenPosition::w;
  return &TokenPosition::t;
}

std::vector<float> reference(const GgufWriter& file, const Picture& picture, const std::string& arch,
                             const std::vector<std::int32_t>& sections) {
  const DoubleWeights w(file);
  std::vector<Vector> x;
  for (const Token t : picture.before) x.push_back(w.row("token_embd.weight", std::size_t(t), kHidden));
  for (std::size_t i = 0; i < picture.positions.size(); ++i) {
    const auto first = picture.values.begin() + std::ptrdiff_t(i * kHidden);
    x.emplace_back(first, first + kHidden);
  }
  for (const Token t : picture.after) x.push_back(w.row("token_embd.weight", std::size_t(t), kHidden));
  const auto places = picture.all();
  const DoubleRope rope{16, true, [&](std::size_t token, int m) {
                          const Number n =
                              arch == "qwen3vl" ? in_turns(sections, m) : contiguous(sections, m);
                          return places[token].*n * std::pow(10000.0, -2.0 * m / 16);
                        }};
  for (const std::string layer : {"blk.0.", "blk.1."}) {
    std::vector<Vector> q, k, v;
    for (const Vector& row : x) {
      const Vector n = w.rms_norm(layer + "attn_norm", row);
      q.push_back(w.heads_rms_norm(layer + "attn_q_norm", w.multiply(layer + "attn_q", n), 16));
      k.push_back(w.heads_rms_norm(layer + "attn_k_norm", w.multiply(layer + "attn_k", n), 16));
      v.push_back(w.multiply(layer + "attn_v", n));
    }
    const auto a = attend(kHeads, rope, q, k, v);
    for (std::size_t t = 0; t < x.size(); ++t) {
      x[t] = x[t] + w.multiply(layer + "attn_output", a[t]);
      x[t] = x[t] + network(w, layer, w.rms_norm(layer + "ffn_norm", x[t]), silu);
    }
  }
  const Vector logits = w.multiply("token_embd", w.rms_norm("output_norm", x.back()));
  return {logits.begin(), logits.end()};
}

TEST(EmbeddingsInText, AreTurnedByTheirSections) {
  const Picture picture;
  for (const auto& [arch, sections] :
       {std::pair<std::string, std::vector<std::int32_t>>{"qwen2vl", {2, 3, 3, 0}},
        {"qwen2vl", {4, 2, 2, 0}},
        {"qwen3vl", {3, 3, 2, 0}},
        {"qwen3vl", {4, 2, 2, 0}}}) {
    SCOPED_TRACE(arch);
    const GgufWriter file = random_model(shape_of(arch, sections));
    const Model model = load(file);
    Session session(model, options());
    EXPECT_LT(nmse(picture.feed(session), reference(file, picture, arch, sections)), 1e-9);
    EXPECT_EQ(session.tokens()[2], -1);
    EXPECT_EQ(session.size(), 11);
    // Gone back into the picture, and computed once more.
    const auto whole = copy_of(session.logits(10));
    EXPECT_NE(copy_of(session.logits(5)), whole);
    session.rewind(2);
    session.feed(Embeddings{picture.values, picture.positions});
    EXPECT_EQ(copy_of(session.feed(picture.after)), whole);
    Session fork = session.fork();
    EXPECT_EQ(copy_of(session.feed(picture.after)), copy_of(fork.feed(picture.after)));
  }
}

// A picture in a text of a model with recurrent layers, which must read it again after going back.
TEST(EmbeddingsInText, AreReadAgainWhereTheStateHasGoneOn) {
  const GgufWriter file = random_model({.arch = "qwen35",
                                        .numbers = {{"embedding_length", 64},
                                                    {"attention.key_length", 16},
                                                    {"attention.value_length", 16},
                                                    {"rope.dimension_count", 16},
                                                    {"full_attention_interval", 2},
                                                    {"ssm.conv_kernel", 4},
                                                    {"ssm.state_size", 8},
                                                    {"ssm.group_count", 2},
                                                    {"ssm.time_step_rank", 4},
                                                    {"ssm.inner_size", 32}},
                                        .lists = {{"rope.dimension_sections", {3, 3, 2, 0}}}});
  const Model model = load(file);
  const Picture picture;
  Session session(model, options());
  const auto whole = picture.feed(session);
  session.rewind(8);
  EXPECT_EQ(copy_of(session.feed(picture.after)), whole);
  session.rewind(10);
  EXPECT_EQ(copy_of(session.feed(std::span(picture.after).last(1))), whole);
}

// What a token's row in the table does, its token does, and equal numbers are a position as always.
TEST(EmbeddingsInText, OfTokensAreTheTokens) {
  for (const auto& [arch, sections] :
       {std::pair<std::string, std::vector<std::int32_t>>{"qwen2vl", {2, 3, 3, 0}},
        {"qwen3vl", {3, 3, 2, 0}}}) {
    const GgufWriter file = random_model(shape_of(arch, sections));
    const Model model = load(file);
    const DoubleWeights w(file);
    const std::vector<Token> text = some_tokens(12);
    std::vector<float> rows;
    std::vector<TokenPosition> positions;
    for (std::int32_t i = 0; i < std::int32_t(text.size()); ++i) {
      const Vector row = w.row("token_embd.weight", std::size_t(text[std::size_t(i)]), kHidden);
      rows.insert(rows.end(), row.begin(), row.end());
      positions.push_back({i, i, i});
    }
    Session tokens(model, options()), placed(model, options()), plain(model, options());
    const auto want = copy_of(tokens.feed(text));
    EXPECT_EQ(copy_of(placed.feed(Embeddings{rows, positions})), want);
    EXPECT_EQ(copy_of(plain.feed(Embeddings{rows})), want);
    EXPECT_EQ(copy_of(placed.feed(text)), copy_of(tokens.feed(text)));
  }
}

TEST(EmbeddingsInText, WhatCannotBeIsRefused) {
  const Model model = load(random_model(shape_of("qwen2vl", {2, 3, 3, 0})));
  const Picture picture;
  Session session(model, options());
  const auto code = [&](const Embeddings& e) { return code_of([&] { session.feed(e); }); };
  EXPECT_EQ(code(Embeddings{std::span<const float>()}), Errc::range);
  EXPECT_EQ(code(Embeddings{std::span(picture.values).first(kHidden + 1)}), Errc::range);
  EXPECT_EQ(code(Embeddings{picture.values, std::span(picture.positions).first(2)}), Errc::range);
  const std::vector<float> many(kHidden * 129);
  std::vector<TokenPosition> wrong = picture.positions;
  wrong[3].h = -1;
  EXPECT_EQ(code(Embeddings{picture.values, wrong}), Errc::range);
  EXPECT_EQ(code(Embeddings{many}), Errc::context_full);
  EXPECT_EQ(session.size(), 0);
  picture.feed(session);
  const TempDir dir;
  EXPECT_EQ(code_of([&] { session.save_state(dir.file("state")); }), Errc::unsupported);
  EXPECT_FALSE(session.cut(0, 1));
  session.rewind(2);  // without the picture it is a text like any other
  EXPECT_NO_THROW(session.save_state(dir.file("state")));

  SessionOptions forgets = options();
  forgets.attention.memory = "window";
  Session window(model, forgets);
  EXPECT_EQ(code_of([&] { window.feed(Embeddings{picture.values}); }), Errc::unsupported);
  Session one(load(tiny_llama()), options());
  const std::vector<float> values(32);
  EXPECT_NO_THROW(one.feed(Embeddings{values}));
  const std::vector<TokenPosition> apart = {{1, 2, 3}};
  EXPECT_EQ(code_of([&] { one.feed(Embeddings{values, apart}); }), Errc::range);
}

}  // namespace
}  // namespace longhand::test
