// Vectors of texts: what they are made of, what they do not depend on, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "engine/api/access.h"
#include "engine/embed/text_pool.h"
#include "engine/forward/model.h"
#include "engine/longhand.h"
#include "tests/reference/forward_double.h"
#include "tests/support/error_code.h"
#include "tests/support/golden.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace longhand {
namespace {

using test::code_of;
using Texts = std::vector<std::vector<Token>>;
using Vectors = std::vector<std::vector<float>>;

std::string random_floats(std::uint64_t count, std::mt19937& random) {
  std::normal_distribution<float> normal(0, 0.1f);
  std::string data;
  for (std::uint64_t i = 0; i < count; ++i) data += test::encode(normal(random));
  return data;
}

// A llama in floats, of widths that are no multiples of vectors, changed before it is loaded.
template <class Change>
Model small_llama(const Change& change) {
  std::mt19937 random(5);
  test::GgufWriter writer = test::tiny_llama({56, 40, 0, [&](std::uint64_t cols, std::uint64_t rows) {
                                                return random_floats(cols * rows, random);
                                              }});
  change(writer);
  const test::TempDir dir;
  return Model::load(dir.write("model.gguf", writer.build()), {.threads = 1});
}
Model bidirectional() {
  return small_llama([](test::GgufWriter& w) {
    w.add("llama.attention.causal", false);
    test::entry(w, "llama.context_length") = gguf_entry("llama.context_length", std::uint32_t{2048});
  });
}
Model causal() {
  return small_llama([](test::GgufWriter& w) { w.add("llama.pooling_type", std::uint32_t{3}); });
}

EmbedOptions raw(Pooling pooling) {
  EmbedOptions options{.pooling = pooling, .normalize = false};
  options.session.threads = 2;
  return options;
}

std::vector<Token> some_tokens(std::size_t n, unsigned seed) {
  std::vector<Token> tokens(n);
  for (std::size_t i = 0; i < n; ++i) tokens[i] = Token((i * i + 7 * i + 31 * seed) % 290);
  return tokens;
}

Vectors embed(const Model& model, const EmbedOptions& options, const Texts& texts) {
  Embedder embedder(model, options);
  Vectors vectors;
  embedder.embed(texts, [&](std::size_t i, std::span<const float> v) {
    EXPECT_EQ(i, vectors.size()) << "in their order";
    vectors.emplace_back(v.begin(), v.end());
  });
  EXPECT_EQ(vectors.size(), texts.size());
  return vectors;
}
std::vector<float> embed_one(const Model& model, const EmbedOptions& options, std::vector<Token> text) {
  return embed(model, options, {std::move(text)}).front();
}

TEST(Embedder, StatesEqualDoublePrecision) {
  for (const Model& model : {bidirectional(), causal()}) {
    for (const std::size_t n : {1, 2, 63, 600}) {
      if (n > std::size_t(model.info().trained_context)) continue;
      const auto text = some_tokens(n, 1);
      EXPECT_LE(test::nmse(embed_one(model, raw(Pooling::none), text),
                           test::reference_hidden(model_data(model), text)),
                1e-11)
          << n;
    }
  }
}

TEST(Embedder, PoolsTheStatesOfATextAsAsked) {
  for (const Model& model : {bidirectional(), causal()}) {
    const auto text = some_tokens(45, 2);
    const auto states = embed_one(model, raw(Pooling::none), text);
    const std::size_t n = states.size() / text.size();
    const auto state = [&](std::size_t i) {
      return std::vector<float>(states.begin() + long(i * n), states.begin() + long((i + 1) * n));
    };
    EXPECT_EQ(embed_one(model, raw(Pooling::cls), text), state(0));
    EXPECT_EQ(embed_one(model, raw(Pooling::last), text), state(44));
    const auto mean = embed_one(model, raw(Pooling::mean), text);
    for (std::size_t d = 0; d < n; ++d) {
      double sum = 0;
      for (std::size_t i = 0; i < text.size(); ++i) sum += double(states[i * n + d]);
      EXPECT_NEAR(mean[d], sum / 45, 1e-6);
    }
  }
}

TEST(Embedder, DoesNotMixTextsThatAreComputedTogether) {
  Texts texts;
  for (unsigned i = 0; i < 24; ++i) texts.push_back(some_tokens(1 + i * 7 % 60, i));
  for (const Model& model : {bidirectional(), causal()}) {
    for (const Pooling pooling : {Pooling::mean, Pooling::none}) {
      EmbedOptions options = raw(pooling);
      Vectors alone;
      for (const auto& text : texts) alone.push_back(embed_one(model, options, text));
      for (const int batch : {1, 50, 64, 512}) {
        options.session.batch = batch;
        EXPECT_EQ(embed(model, options, texts), alone) << "batch " << batch;
      }
    }
  }
}

TEST(Embedder, ALaterWordChangesWhatComesBeforeOnlyWithoutCausalOrder) {
  const auto first_state = [](const Model& model, Token last) {
    return embed_one(model, raw(Pooling::cls), {5, 6, last});
  };
  const Model both = bidirectional(), one = causal();
  EXPECT_NE(first_state(both, 7), first_state(both, 8));
  EXPECT_EQ(first_state(one, 7), first_state(one, 8));
}

TEST(Embedder, ScalesVectorsToLengthOne) {
  const Model model = bidirectional();
  EmbedOptions options = raw(Pooling::none);
  options.normalize = true;
  Embedder embedder(model, options);
  const auto width = std::size_t(embedder.width());
  embedder.embed(Texts{some_tokens(9, 3)}, [&](std::size_t, std::span<const float> v) {
    ASSERT_EQ(v.size(), 9 * width);
    for (std::size_t at = 0; at < v.size(); at += width) {
      double squares = 0;
      for (const float x : v.subspan(at, width)) squares += double(x) * double(x);
      EXPECT_NEAR(squares, 1, 1e-6);
    }
  });
  std::vector<float> zeros(3);
  normalize(zeros);
  EXPECT_EQ(zeros, std::vector<float>(3)) << "has no direction";
}

TEST(Embedder, TakesThePoolingOfTheFileOrWhatSuitsTheModel) {
  EXPECT_EQ(Embedder(bidirectional()).pooling(), Pooling::mean);
  EXPECT_EQ(Embedder(causal()).pooling(), Pooling::last);
  EXPECT_EQ(Embedder(small_llama([](test::GgufWriter&) {})).pooling(), Pooling::last) << "of a decoder";
  const Model cls = small_llama([](test::GgufWriter& w) { w.add("llama.pooling_type", std::uint32_t{2}); });
  EXPECT_EQ(Embedder(cls).pooling(), Pooling::cls);
  EXPECT_EQ(Embedder(cls, {.pooling = Pooling::mean}).pooling(), Pooling::mean);
}

TEST(Embedder, WorksWithModelsThatWriteText) {
  const Model model = small_llama([](test::GgufWriter&) {});
  const auto text = some_tokens(20, 4);
  EXPECT_LE(
      test::nmse(embed_one(model, raw(Pooling::none), text), test::reference_hidden(model_data(model), text)),
      1e-11);
  Session session(model);
  EXPECT_FALSE(session.feed(text).empty());
}

TEST(Embedder, SessionsOfEmbeddingModelsAreRefused) {
  for (const Model& model : {bidirectional(), causal()}) {
    EXPECT_EQ(code_of([&] { Session session(model); }), Errc::unsupported);
    const Runner runner(model);
    EXPECT_EQ(code_of([&] { Session session(runner); }), Errc::unsupported);
  }
}

TEST(Embedder, RefusesWhatIsNoTextAndComputesNothing) {
  Embedder embedder(bidirectional(), raw(Pooling::mean));
  int seen = 0;
  const auto refused = [&](const Texts& texts) {
    return code_of([&] { embedder.embed(texts, [&](std::size_t, std::span<const float>) { ++seen; }); });
  };
  EXPECT_EQ(refused({{1}, {}}), Errc::range);
  EXPECT_EQ(refused({{1}, {-1}}), Errc::range);
  EXPECT_EQ(refused({{1}, {300}}), Errc::range);
  EXPECT_EQ(refused({{1}, std::vector<Token>(2049, 1)}), Errc::context_full);
  EXPECT_EQ(seen, 0);
  EXPECT_EQ(code_of([&] { Embedder e(bidirectional(), raw(Pooling::rank)); }), Errc::unsupported);
  EXPECT_EQ(code_of([&] { Embedder e(bidirectional(), raw(Pooling(99))); }), Errc::range);
  EmbedOptions window = raw(Pooling::mean);
  window.session.attention.memory = "window";
  EXPECT_EQ(code_of([&] { Embedder e(bidirectional(), window); }), Errc::range);
  embedder.embed({}, [&](std::size_t, std::span<const float>) { ++seen; });
  EXPECT_EQ(seen, 0);
  EXPECT_EQ(embedder.embed("abc").size(), 56u) << "it still works";
}

TEST(Embedder, StopsWhenItIsCancelled) {
  EmbedOptions options = raw(Pooling::mean);
  options.session.batch = 8;
  Embedder embedder(bidirectional(), options);
  const Texts texts(10, some_tokens(8, 1));
  int passes = 0, seen = 0;
  embedder.on_progress([&](int done, int total) {
    EXPECT_EQ(total, 80);
    EXPECT_EQ(done, 8 * ++passes);
    if (passes == 3) embedder.cancel();
  });
  const auto count = [&](std::size_t, std::span<const float>) { ++seen; };
  EXPECT_EQ(code_of([&] { embedder.embed(texts, count); }), Errc::cancelled);
  EXPECT_EQ(passes, 3);
  EXPECT_EQ(seen, 3);
  EXPECT_EQ(code_of([&] { embedder.embed(texts, count); }), Errc::cancelled) << "until it is cleared";
  embedder.clear_cancel();
  embedder.on_progress({});
  embedder.embed(texts, count);
  EXPECT_EQ(seen, 13);
}

TEST(Embedder, CutsTextsToTheContext) {
  EmbedOptions options = raw(Pooling::mean);
  options.session.context = 10;
  const Embedder embedder(bidirectional(), options);
  const Embedder::Input whole = embedder.encode("ghijklmnop"), cut = embedder.encode("ghijklmnopqrs");
  EXPECT_EQ(whole.tokens.size(), 10u);
  EXPECT_EQ(whole.left_out, 0);
  EXPECT_EQ(cut.tokens, whole.tokens);
  EXPECT_EQ(cut.left_out, 3);
}

// The last pooled token is the one that the model was trained to end texts with.
TEST(Embedder, KeepsTheEndOfACutText) {
  const Model model = small_llama([](test::GgufWriter& w) {
    w.add("llama.pooling_type", std::uint32_t{3});
    w.add("tokenizer.ggml.add_eos_token", true);
    w.add("tokenizer.ggml.add_bos_token", true);
  });
  EmbedOptions options = raw(Pooling::last);
  options.session.context = 6;
  const Embedder embedder(model, options);
  const Embedder::Input cut = embedder.encode("ghijklmnop");
  EXPECT_EQ(cut.left_out, 6);
  ASSERT_EQ(cut.tokens.size(), 6u);
  EXPECT_EQ(cut.tokens.front(), 298);
  EXPECT_EQ(cut.tokens.back(), 299);
}

}  // namespace
}  // namespace longhand
