// Pairs of texts as rerankers read them, and their scores.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "engine/embed/input.h"
#include "engine/longhand.h"
#include "tests/support/error_code.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace longhand {
namespace {

using test::code_of;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Token kBegin = 298, kEnd = 299;

std::string floats(std::uint64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 0.3f);
  std::string data;
  for (std::uint64_t i = 0; i < count; ++i) data += test::encode(normal(random));
  return data;
}

// A reranker with two labels on a small llama.
template <class Change>
Model reranker(const Change& change) {
  test::GgufWriter w = test::tiny_llama();
  w.add("llama.pooling_type", std::uint32_t{4});
  w.add_array("llama.classifier.output_labels", std::vector<std::string>{"yes", "no"});
  w.tensor("cls.output.weight", {32, 2}, 0, floats(64, 1));
  change(w);
  const test::TempDir dir;
  return Model::load(dir.write("model.gguf", w.build()), {.threads = 1});
}
void nothing(test::GgufWriter&) {}

void with_ends(test::GgufWriter& w) {
  w.add("tokenizer.ggml.add_eos_token", true);
  w.add("tokenizer.ggml.add_bos_token", true);
}
void with_template(test::GgufWriter& w, const char* text) { w.add("tokenizer.chat_template.rerank", text); }

std::string text_of(const Model& model, const Embedder::Input& input) {
  std::string text;
  for (const Token token : input.tokens)
    text += token >= 296 ? "|" : model.piece(token);  // controls, which show nothing
  return text;
}

EmbedOptions context_of(int tokens) {
  EmbedOptions options;
  options.session.context = tokens;
  return options;
}

std::vector<float> scores_of(Embedder& embedder, const std::vector<Token>& tokens) {
  std::vector<float> scores;
  embedder.embed({&tokens, 1},
                 [&](std::size_t, std::span<const float> s) { scores.assign(s.begin(), s.end()); });
  return scores;
}

TEST(Reranker, ScoresAreTheClassifierOfThePooledState) {
  const Model model = reranker(nothing);
  Embedder embedder(model);
  EXPECT_EQ(embedder.pooling(), Pooling::rank);
  EXPECT_EQ(embedder.width(), 2);
  EXPECT_THAT(embedder.labels(), ElementsAre("yes", "no"));
  EmbedOptions states;
  states.pooling = Pooling::last;
  states.normalize = false;
  Embedder pooled(model, states);
  const std::vector<Token> tokens = {1, 2, 3};
  const auto state = scores_of(pooled, tokens), scores = scores_of(embedder, tokens);
  const std::string weights = floats(64, 1);
  for (std::size_t label = 0; label < 2; ++label) {
    double sum = 0;
    for (std::size_t i = 0; i < 32; ++i) {
      float w;
      std::memcpy(&w, weights.data() + 4 * (label * 32 + i), sizeof w);
      sum += double(w) * double(state[i]);
    }
    EXPECT_NEAR(scores[label], sum, 1e-5) << "not scaled to length 1";
  }
}

TEST(Reranker, PairsAreSeparatedAsTheVocabularyDoes) {
  const Model plain = reranker(nothing), ended = reranker(with_ends),
              doubled = reranker([](auto&w) {
                with_ends(w);
                w.add("tokenizer.ggml.add_sep_token", true);
                w.add("tokenizer.ggml.seperator_token_id", std::uint32_t{297});
              });
  EXPECT_EQ(text_of(plain, Embedder(plain).encode_pair("gh", "ij")), "ghij");
  const auto tokens = Embedder(ended).encode_pair("gh", "ij").tokens;
  EXPECT_EQ(text_of(ended, {tokens, 0}), "|gh|ij|");
  EXPECT_EQ(tokens.front(), kBegin);
  EXPECT_EQ(tokens.back(), kEnd);
  EXPECT_EQ(text_of(doubled, Embedder(doubled).encode_pair("gh", "ij")), "|gh||ij|");
}

TEST(Reranker, TheDocumentIsCutAndNotTheQuery) {
  const Model model = reranker(with_ends);
  const Embedder embedder(model, context_of(8));
  const Embedder::Input cut = embedder.encode_pair("gh", "ijklmnop");
  EXPECT_EQ(text_of(model, cut), "|gh|ijk|");
  EXPECT_EQ(cut.left_out, 5);
  EXPECT_EQ(code_of([&] { embedder.encode_pair("ghijkl", "i"); }), Errc::context_full);
}

TEST(Reranker, TemplatesAreFilledAndTheirControlTokensAreNotForTexts) {
  const Model model =
      reranker([](auto& w) { with_template(w, "<|im_start|>Q {query} D {document}<|im_end|>!"); });
  const Embedder embedder(model);
  EXPECT_EQ(text_of(model, embedder.encode_pair("gh", "ij")), "|Q gh D ij|!");
  const auto tokens = embedder.encode_pair("gh", "<|im_end|>").tokens;
  EXPECT_EQ(std::ranges::count(tokens, kEnd), 1) << "the template's own";
}

TEST(Reranker, LongDocumentsAreCutToTheTemplate) {
  const Model model = reranker([](auto& w) { with_template(w, "<|im_start|>{document}?{query}<|im_end|>"); });
  const Embedder embedder(model, context_of(10));
  // "ab" joins to one token, wherever the cut falls.
  for (const char* document : {"ghijklmnopqr", "abababababababab", "gababababababaab"}) {
    const Embedder::Input cut = embedder.encode_pair("gh", document);
    EXPECT_LE(cut.tokens.size(), 10u);
    EXPECT_GE(cut.tokens.size(), 9u);
    EXPECT_GT(cut.left_out, 0);
    EXPECT_THAT(text_of(model, cut), HasSubstr("?gh|"));
  }
  EXPECT_EQ(code_of([&] { embedder.encode_pair("ghijklmnop", "i"); }), Errc::context_full);
}

TEST(Reranker, ATemplateMustNameBothTexts) {
  for (const char* text : {"{query}", "{document}{document}", "neither"}) {
    const Model model = reranker([&](auto& w) { with_template(w, text); });
    const Embedder embedder(model);
    EXPECT_EQ(code_of([&] { embedder.encode_pair("gh", "ij"); }), Errc::chat_template) << text;
  }
}

TEST(Reranker, ClassifiersOfOtherShapesAreRefused) {
  EXPECT_EQ(code_of([] {
              reranker([](test::GgufWriter& w) { test::tensor(w, "cls.output.weight").dims = {16, 4}; });
            }),
            Errc::shape);
  const Model none = reranker([](test::GgufWriter& w) {
    std::erase_if(w.tensors, [](const auto& t) { return t.name == "cls.output.weight"; });
  });
  EXPECT_EQ(code_of([&] { Embedder embedder(none); }), Errc::unsupported);
}

}  // namespace
}  // namespace longhand
