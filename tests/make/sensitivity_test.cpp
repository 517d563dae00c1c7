// What errors of single tensors cost, and that types are chosen by it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/longhand_imatrix.h"
#include "engine/longhand_quantize.h"
#include "engine/make/imatrix/importance.h"
#include "tests/make/small_file.h"
#include "tests/support/error_code.h"
#include "tests/support/golden.h"
#include "tests/support/random_model.h"

namespace longhand {
namespace {

using test::code_of;
using testing::HasSubstr;

constexpr int kChunk = 16;
// Of each of two layers all but the down projection, whose rows are too short for blocks; embedding and head.
constexpr int kMatrices = 2 * 6 + 2;

std::vector<Token> tokens(std::size_t n) {
  std::vector<Token> ids;
  for (std::size_t i = 0; i < n; ++i) ids.push_back(Token(3 + i * i % 97));
  return ids;
}

struct Measured {
  test::TempDir dir;
  std::string model = dir.file("model.gguf"), matrix = dir.file("imatrix.gguf");
  SensitivityOptions options;
  std::vector<Token> text = tokens(3 * kChunk);

  Measured() {
    test::random_model({.arch = "llama", .wishes = {"output.weight"}}).write(model);
    options.session.context = kChunk;
    options.session.threads = 1;
    options.load.threads = 1;
    Session session(Model::load(model, options.load), options.session);
    make_imatrix(session, text, matrix);
  }
  SensitivityReport measure() { return measure_sensitivity(model, text, matrix, options); }
};

TEST(Sensitivity, IsMeasuredOfEveryMatrix) {
  Measured m;
  const std::string before = test::read_text(m.model);
  const SensitivityReport report = m.measure();
  EXPECT_EQ(report.tensors, kMatrices);
  EXPECT_EQ(report.measured, kMatrices);
  EXPECT_EQ(report.positions, 2 * kChunk);
  const ImportanceMatrix matrix = read_importance(m.matrix);
  EXPECT_EQ(matrix.chunks, 3);
  for (const auto& [name, value] : matrix.sensitivities) EXPECT_GT(value, 0) << name;
  EXPECT_TRUE(matrix.sensitivities.contains("output.weight"));
  EXPECT_FALSE(matrix.sensitivities.contains("blk.0.attn_norm.weight"));
  EXPECT_EQ(test::read_text(m.model), before);  // changed in memory alone
  // What is known is not measured again.
  const std::string bytes = test::read_text(m.matrix);
  EXPECT_EQ(m.measure().measured, 0);
  EXPECT_EQ(m.measure().positions, 0);
  EXPECT_EQ(test::read_text(m.matrix), bytes);
}

TEST(Sensitivity, DoesNotDependOnHowTheModelIsLoadedByMuch) {
  Measured packed, plain;
  plain.options.load.repack = false;
  packed.measure();
  plain.measure();
  const ImportanceMatrix a = read_importance(packed.matrix), b = read_importance(plain.matrix);
  for (const auto& [name, value] : a.sensitivities)
    EXPECT_NEAR(b.sensitivities.at(name), value, 0.01 * value) << name;
}

TEST(Sensitivity, AnEndedRunGoesOn) {
  Measured whole, ended;
  whole.measure();
  ended.options.save_seconds = 0;
  ended.options.progress = [](float share) { return share < 0.5f; };
  EXPECT_EQ(code_of([&] { ended.measure(); }), Errc::cancelled);
  const std::size_t done = read_importance(ended.matrix).sensitivities.size();
  EXPECT_GT(done, 3u);
  EXPECT_LT(done, 12u);
  ended.options.progress = {};
  EXPECT_EQ(ended.measure().measured, kMatrices - std::int64_t(done));
  EXPECT_EQ(test::read_text(ended.matrix), test::read_text(whole.matrix));
}

TEST(Sensitivity, RefusesWhatItCannotMeasure) {
  Measured m;
  m.text.resize(kChunk - 1);
  EXPECT_EQ(code_of([&] { m.measure(); }), Errc::range);
  m.text = tokens(3 * kChunk);
  m.measure();
  m.options.chunks = 1;
  EXPECT_EQ(code_of([&] { m.measure(); }), Errc::mismatch);
  m.options.chunks = 2;
  const Measured other;
  ImportanceMatrix matrix = read_importance(other.matrix);
  matrix.entries["blk.7.attn_q.weight"] = {{1, 1}, {1}};
  write_importance(matrix, m.matrix);
  std::string message;
  EXPECT_EQ(code_of([&] { m.measure(); }, &message), Errc::mismatch);
  EXPECT_THAT(message, HasSubstr("another model"));
}

TEST(Sensitivity, FilesWithBadOnesAreRefused) {
  const test::TempDir dir;
  const std::string path = dir.file("m.gguf");
  ImportanceMatrix matrix;
  matrix.entries["blk.0.attn_q.weight"] = {{1, 1}, {1}};
  matrix.sensitivities["blk.0.attn_q.weight"] = 0.5;
  write_importance(matrix, path);
  EXPECT_EQ(read_importance(path).sensitivities, matrix.sensitivities);
  for (const auto& [value, code] : {std::pair(-1.0, Errc::range), std::pair(std::nan(""), Errc::nonfinite)}) {
    matrix.sensitivities["blk.0.attn_q.weight"] = value;
    write_importance(matrix, path);
    EXPECT_EQ(code_of([&] { read_importance(path); }), code);
  }
}

// Two matrices of one size: the more a tensor's errors cost, the more bits it gets.
TEST(Sensitivity, TargetsGiveBitsToWhatIsSensitive) {
  const test::TempDir dir;
  const std::string in = test::write_file(dir, test::small_file()), path = dir.file("m.gguf");
  const auto bytes_of = [&](const std::string& sensitive, std::string_view tensor) {
    ImportanceMatrix matrix;
    matrix.entries["blk.0.attn_q.weight"] = {std::vector<float>(256, 1), {1}};
    for (const char* name : {"token_embd.weight", "blk.0.attn_q.weight", "blk.0.attn_v.weight",
                             "blk.0.ffn_up_exps.weight", "output.weight"})
      matrix.sensitivities[name] = name == sensitive ? 1000 : 1;
    write_importance(matrix, path);
    for (const QuantizedTensor& t : plan_quantize(in, "", {.importance = path, .target_bits = 6}).tensors) {
      if (t.name == tensor) return t.bytes;
    }
    return std::uint64_t{0};
  };
  for (const char* tensor : {"blk.0.attn_q.weight", "blk.0.attn_v.weight", "token_embd.weight"})
    EXPECT_GT(bytes_of(tensor, tensor), bytes_of("blk.0.ffn_up_exps.weight", tensor)) << tensor;
}

}  // namespace
}  // namespace longhand
