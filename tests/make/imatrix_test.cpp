#include "engine/longhand_imatrix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "engine/make/imatrix/importance.h"
#include "loaders/gguf/gguf.h"
#include "tests/make/small_file.h"
#include "tests/support/error_code.h"
#include "tests/support/golden.h"
#include "tests/support/random_model.h"

namespace longhand {
namespace {

using test::code_of;
using test::random_model;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int kChunk = 16;

std::vector<Token> tokens(std::size_t n) {
  std::vector<Token> ids;
  for (std::size_t i = 0; i < n; ++i) ids.push_back(Token(3 + i * i % 97));
  return ids;
}

SessionOptions options(int threads = 1, int batch = 512) {
  SessionOptions o;
  o.context = kChunk;
  o.threads = threads;
  o.batch = batch;
  o.key_cache = o.value_cache = CacheType::f32;
  return o;
}

struct Made {
  test::TempDir dir;
  std::string path = dir.file("model.gguf"), out = dir.file("imatrix.gguf");
  explicit Made(const test::RandomShape& shape) { random_model(shape).write(path); }

  ImportanceMatrix imatrix(const ImatrixOptions& o = {}, const SessionOptions& session_options = options(),
                           std::size_t n = 3 * kChunk + 5) const {
    Session session(Model::load(path), session_options);
    make_imatrix(session, tokens(n), out, o);
    return read_importance(out);
  }
};

// What the first layer's matrices read: the embeddings, normalised.
std::vector<double> first_inputs(const std::string& path, std::span<const Token> ids) {
  const Gguf file = Gguf::open(path);
  const std::vector<float> embedding = test::decoded(*file.find_tensor("token_embd.weight"));
  const std::vector<float> norm = test::decoded(*file.find_tensor("blk.0.attn_norm.weight"));
  const std::size_t n = norm.size();
  std::vector<double> sums(n);
  for (const Token id : ids) {
    const float* x = embedding.data() + std::size_t(id) * n;
    double square = 0;
    for (std::size_t c = 0; c < n; ++c) square += double(x[c]) * double(x[c]);
    const double scale = 1 / std::sqrt(square / double(n) + 1e-5);
    for (std::size_t c = 0; c < n; ++c) sums[c] += std::pow(double(x[c]) * scale * double(norm[c]), 2);
  }
  return sums;
}

void expect_near(const ImportanceEntry& a, const ImportanceEntry& b, const std::string& name) {
  EXPECT_EQ(a.counts, b.counts) << name;
  ASSERT_EQ(a.sums.size(), b.sums.size());
  for (std::size_t i = 0; i < a.sums.size(); ++i)
    EXPECT_NEAR(a.sums[i], b.sums[i], 1e-4f * std::abs(a.sums[i])) << name;
}

TEST(Imatrix, AddsUpTheSquaresOfWhatEachMatrixReads) {
  for (const int threads : {1, 3}) {
    const Made made({.arch = "llama"});
    const ImportanceMatrix matrix = made.imatrix({.dataset = "text"}, options(threads));
    // Seven matrices of each of two layers.
    EXPECT_EQ(matrix.entries.size(), 14u);
    EXPECT_EQ(matrix.chunks, 3);
    EXPECT_EQ(matrix.chunk_size, kChunk);
    EXPECT_THAT(matrix.datasets, ElementsAre("text"));
    const ImportanceEntry& q = matrix.entries.at("blk.0.attn_q.weight");
    EXPECT_THAT(q.counts, ElementsAre(3 * kChunk));
    const std::vector<Token> ids = tokens(3 * kChunk);
    const std::vector<double> expected = first_inputs(made.path, ids);
    ASSERT_EQ(q.sums.size(), expected.size());
    for (std::size_t c = 0; c < expected.size(); ++c) EXPECT_NEAR(q.sums[c], expected[c], 1e-4 * expected[c]);
    EXPECT_EQ(matrix.entries.at("blk.0.attn_v.weight").sums, q.sums);
    EXPECT_EQ(matrix.entries.at("blk.1.ffn_down.weight").sums.size(), 48u);
  }
}

TEST(Imatrix, DoesNotDependOnThreadsAndHardlyOnBatches) {
  const Made made(
      {.arch = "qwen3moe",
       .numbers = {{"expert_count", 4}, {"expert_used_count", 2}, {"expert_feed_forward_length", 24}},
       .wishes = {"ffn_gate_inp.weight"}});
  const ImportanceMatrix one = made.imatrix(), many = made.imatrix({}, options(3));
  const ImportanceMatrix small = made.imatrix({}, options(2, 5));
  ASSERT_FALSE(one.entries.empty());
  for (const auto& [name, entry] : one.entries) {
    EXPECT_EQ(many.entries.at(name).sums, entry.sums) << name;
    EXPECT_EQ(many.entries.at(name).counts, entry.counts) << name;
    expect_near(entry, small.entries.at(name), name);
  }
}

TEST(Imatrix, CountsExpertsEachByItself) {
  const Made made(
      {.arch = "qwen3moe",
       .numbers = {{"expert_count", 4}, {"expert_used_count", 2}, {"expert_feed_forward_length", 24}},
       .wishes = {"ffn_gate_inp.weight"}});
  const ImportanceMatrix matrix = made.imatrix();
  const ImportanceEntry& up = matrix.entries.at("blk.1.ffn_up_exps.weight");
  ASSERT_EQ(up.counts.size(), 4u);
  EXPECT_EQ(up.sums.size(), 4 * 32u);
  float tokens_of_all = 0;
  std::vector<float> together(32);
  for (std::size_t e = 0; e < 4; ++e) {
    tokens_of_all += up.counts[e];
    for (std::size_t c = 0; c < 32; ++c) together[c] += up.sums[e * 32 + c];
  }
  EXPECT_EQ(tokens_of_all, 2 * 3 * kChunk);
  // Every token went to two of them, and the router saw each once.
  const ImportanceEntry& router = matrix.entries.at("blk.1.ffn_gate_inp.weight");
  for (std::size_t c = 0; c < 32; ++c) EXPECT_NEAR(together[c], 2 * router.sums[c], 1e-4f * together[c]);
  EXPECT_EQ(matrix.entries.at("blk.1.ffn_down_exps.weight").counts, up.counts);
}

TEST(Imatrix, NamesWhatAFileKeepsInOneTensorOnce) {
  const Made made({.arch = "phi3", .wishes = {"attn_qkv.weight", "ffn_up.weight"}});
  const ImportanceMatrix matrix = made.imatrix();
  const Gguf file = Gguf::open(made.path);
  for (const auto& [name, entry] : matrix.entries) {
    const TensorInfo* t = file.find_tensor(name);
    ASSERT_NE(t, nullptr) << name;
    EXPECT_EQ(entry.sums.size(), t->dims[0]);
    EXPECT_THAT(entry.counts, ElementsAre(3 * kChunk));
  }
  EXPECT_TRUE(matrix.entries.contains("blk.0.attn_qkv.weight"));
}

TEST(Imatrix, LooksAtTheOutputHeadWhereThatIsWanted) {
  const Made made({.arch = "llama", .wishes = {"output.weight"}});
  EXPECT_FALSE(made.imatrix().entries.contains("output.weight"));
  const ImportanceMatrix matrix = made.imatrix({.output = true});
  EXPECT_THAT(matrix.entries.at("output.weight").counts, ElementsAre(3 * kChunk));
}

TEST(Imatrix, GoesOnToTheSameBytes) {
  const Made made({.arch = "llama"});
  made.imatrix({.dataset = "text"});
  const std::string whole = test::read_text(made.out);
  std::filesystem::remove(made.out);
  made.imatrix({.chunks = 1, .dataset = "text"});
  EXPECT_NE(test::read_text(made.out), whole);
  made.imatrix({.dataset = "text", .resume = true});
  EXPECT_EQ(test::read_text(made.out), whole);
  made.imatrix({.dataset = "text", .resume = true});  // nothing is left to read
  EXPECT_EQ(test::read_text(made.out), whole);

  SessionOptions other = options();
  other.context = 8;
  EXPECT_EQ(code_of([&] { made.imatrix({.resume = true}, other); }), Errc::mismatch);
}

TEST(Imatrix, GoesOnOnlyWithTheSameText) {
  const Made made({.arch = "llama"});
  made.imatrix({.dataset = "other"});
  const std::string other = made.dir.file("other.gguf");
  std::filesystem::rename(made.out, other);
  made.imatrix({.chunks = 1, .dataset = "text"});
  const std::string bytes = test::read_text(made.out);
  std::string message;
  EXPECT_EQ(code_of([&] { made.imatrix({.dataset = "new", .resume = true}); }, &message), Errc::mismatch);
  EXPECT_THAT(message, HasSubstr("'new'"));
  EXPECT_EQ(test::read_text(made.out), bytes);
  // Its pieces are those of two texts.
  made.imatrix({.chunks = 1, .dataset = "text", .merged = {other}});
  EXPECT_EQ(code_of([&] { made.imatrix({.dataset = "text", .resume = true}); }), Errc::mismatch);
}

// Though the text is called the same, and the model has the same shape.
TEST(Imatrix, GoesOnOnlyWithTheSameTokensAndModel) {
  const Made made({.arch = "llama"});
  made.imatrix({.chunks = 1, .dataset = "text"});
  const std::string bytes = test::read_text(made.out);
  std::string message;
  EXPECT_EQ(
      code_of([&] { made.imatrix({.dataset = "text", .resume = true}, options(), 4 * kChunk); }, &message),
      Errc::mismatch);
  EXPECT_THAT(message, HasSubstr("another text"));
  test::GgufWriter other = test::random_model({.arch = "llama"});
  other.tensors[0].data[100] ^= 1;
  other.write(made.path);
  EXPECT_EQ(code_of([&] { made.imatrix({.dataset = "text", .resume = true}); }, &message), Errc::mismatch);
  EXPECT_THAT(message, HasSubstr("another model"));
  EXPECT_EQ(test::read_text(made.out), bytes);
}

TEST(Imatrix, AnEndedRunKeepsItsOwnPiecesApartFromAddedFiles) {
  const Made made({.arch = "llama"});
  made.imatrix({.dataset = "other"});
  const std::string other = made.dir.file("other.gguf");
  std::filesystem::rename(made.out, other);
  ImatrixOptions o = {.dataset = "text", .merged = {other}, .save_seconds = 0};
  Session session(Model::load(made.path), options());
  o.progress = [&](double share) {
    if (share > 0.5) session.cancel();
  };
  EXPECT_EQ(code_of([&] { make_imatrix(session, tokens(3 * kChunk), made.out, o); }), Errc::cancelled);
  const ImportanceMatrix ended = read_importance(made.out);
  EXPECT_LT(ended.chunks, 3);
  EXPECT_THAT(ended.datasets, ElementsAre("text"));
  EXPECT_EQ(made.imatrix({.dataset = "text", .resume = true}).chunks, 3);
}

TEST(Imatrix, NeverReplacesWhatItReads) {
  const Made made({.arch = "llama"});
  const std::string text = made.dir.write("text.txt", "some text"), model = test::read_text(made.path);
  made.imatrix();
  const std::string added = made.dir.file("added.gguf");
  std::filesystem::rename(made.out, added);
  Session session(Model::load(made.path), options());
  const ImatrixOptions o = {.model = made.path, .text = text, .merged = {added}};
  for (const std::string& out : {made.path, text, added}) {
    std::string message;
    EXPECT_EQ(code_of([&] { make_imatrix(session, tokens(kChunk), out, o); }, &message), Errc::range);
    EXPECT_THAT(message, HasSubstr("overwritten"));
  }
  EXPECT_EQ(test::read_text(made.path), model);
  EXPECT_EQ(test::read_text(text), "some text");
}

TEST(Imatrix, AddsUpFiles) {
  const Made made({.arch = "llama"});
  const ImportanceMatrix once = made.imatrix();
  const std::string first = made.dir.file("first.gguf");
  std::filesystem::rename(made.out, first);
  const ImportanceMatrix twice = made.imatrix({.merged = {first}});
  EXPECT_EQ(twice.chunks, 6);
  const ImatrixReport report = merge_imatrix({first, first}, made.out);
  EXPECT_EQ(report.chunks, 6);
  const ImportanceMatrix merged = read_importance(made.out);
  for (const auto& [name, entry] : once.entries) {
    expect_near(twice.entries.at(name), merged.entries.at(name), name);
    EXPECT_EQ(merged.entries.at(name).counts[0], 2 * entry.counts[0]);
  }
}

TEST(Imatrix, RefusesOtherModelsAndShortTexts) {
  const Made made({.arch = "llama"}), wide({.arch = "llama", .numbers = {{"embedding_length", 64}}});
  wide.imatrix();
  std::string message;
  EXPECT_EQ(code_of([&] { made.imatrix({.merged = {wide.out}}); }, &message), Errc::mismatch);
  EXPECT_THAT(message, HasSubstr("of another model"));
  EXPECT_EQ(code_of([&] { made.imatrix({}, options(), kChunk - 1); }), Errc::range);
}

TEST(Imatrix, TheSessionGoesOnUnobserved) {
  const Made made({.arch = "llama"});
  Session session(Model::load(made.path), options());
  const std::vector<Token> ids = tokens(kChunk);
  const auto before = session.feed(ids);
  const std::vector<float> logits(before.begin(), before.end());
  make_imatrix(session, ids, made.out);
  EXPECT_EQ(session.size(), 0);
  const auto after = session.feed(ids);
  EXPECT_TRUE(std::ranges::equal(after, logits));

  session.cancel();
  EXPECT_EQ(code_of([&] { make_imatrix(session, ids, made.dir.file("none.gguf")); }), Errc::cancelled);
  EXPECT_FALSE(std::filesystem::exists(made.dir.file("none.gguf")));
}

TEST(Imatrix, SumsBeyondFloatsAreRefused) {
  const test::TempDir dir;
  ImportanceMatrix matrix;
  matrix.entries["blk.1"] = {{3e38f}, {1}};
  write_importance(matrix, dir.file("m.gguf"));
  std::string message;
  EXPECT_EQ(code_of(
                [&] {
                  merge_imatrix({dir.file("m.gguf"), dir.file("m.gguf")}, dir.file("sum.gguf"));
                },
                &message),
            Errc::nonfinite);
  EXPECT_THAT(message, HasSubstr("'blk.1'"));
  EXPECT_FALSE(std::filesystem::exists(dir.file("sum.gguf")));
  EXPECT_EQ(imatrix_statistics(dir.file("m.gguf")).at(0).similarity, 0);  // a layer, but nothing in it
}

TEST(Imatrix, TellsHowImportanceIsSpread) {
  const test::TempDir dir;
  ImportanceMatrix matrix;
  matrix.entries["blk.0.attn_q.weight"] = {{2, 2, 2, 2}, {2}};
  matrix.entries["blk.1.attn_q.weight"] = {{0, 0, 0, 16}, {4}};
  matrix.entries["output.weight"] = {{1, 1}, {0}};
  write_importance(matrix, dir.file("m.gguf"));
  const std::vector<ImatrixStatistics> all = imatrix_statistics(dir.file("m.gguf"));
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].tensor, "output.weight");
  EXPECT_EQ(all[0].columns, 0);
  EXPECT_EQ(all[1].layer, 0);
  EXPECT_DOUBLE_EQ(all[1].sum, 4);
  EXPECT_DOUBLE_EQ(all[1].entropy, 2);
  EXPECT_DOUBLE_EQ(all[1].active, 1);
  EXPECT_DOUBLE_EQ(all[1].deviation, 0);
  EXPECT_DOUBLE_EQ(all[2].mean, 1);
  EXPECT_DOUBLE_EQ(all[2].most, 4);
  EXPECT_DOUBLE_EQ(all[2].active, 0.25);
  EXPECT_DOUBLE_EQ(all[2].outliers, 0.25);
  EXPECT_DOUBLE_EQ(all[2].entropy, 0);
  EXPECT_DOUBLE_EQ(all[2].similarity, 0.5);
}

}  // namespace
}  // namespace longhand
