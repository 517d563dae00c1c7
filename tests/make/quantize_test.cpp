#include "engine/longhand_quantize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "engine/make/imatrix/importance.h"
#include "ops/encode/encode.h"
#include "ops/format.h"
#include "tests/make/small_file.h"
#include "tests/support/error_code.h"
#include "tests/support/golden.h"
#include "tests/support/temp_dir.h"

namespace longhand {
namespace {

namespace fs = std::filesystem;
using test::code_of;
using test::decoded;
using test::GgufWriter;
using test::number_of;
using test::random_weights;
using test::small_file;
using test::type_of;
using test::write_file;
using testing::HasSubstr;

TEST(Quantize, EncodesEveryTensorThatIsAMatrixAndLeavesTheOthers) {
  const test::TempDir dir;
  const std::string in = write_file(dir, small_file()), out = dir.file("out.gguf");
  const QuantizeReport report = quantize(in, out, {.type = "Q8_0"});
  const Gguf before = Gguf::open(in), after = Gguf::open(out);
  EXPECT_EQ(number_of(after, "general.file_type"), 7);
  EXPECT_EQ(number_of(after, "general.quantization_version"), 2);
  EXPECT_EQ(after.get_string(key::name), "small");
  ASSERT_EQ(after.tensors().size(), before.tensors().size());
  for (const TensorInfo& t : before.tensors()) {
    const TensorInfo* now = after.find_tensor(t.name);
    ASSERT_NE(now, nullptr);
    EXPECT_EQ(now->dims, t.dims);
    const bool matrix =
        t.name.find("norm") == std::string_view::npos && t.name.find("inp") == std::string_view::npos;
    EXPECT_EQ(type_of(after, t.name), matrix ? "Q8_0" : "F32") << t.name;
    EXPECT_LT(test::nmse(decoded(*now), decoded(t)), matrix ? 1e-4 : 1e-30) << t.name;
  }
  EXPECT_EQ(report.files, std::vector<std::string>{out});
  EXPECT_EQ(report.file_bytes, fs::file_size(out));
  EXPECT_FALSE(fs::exists(out + ".new"));
}

TEST(Quantize, GivesTheBytesOfTheEncoderWhateverThreadsCallIt) {
  const test::TempDir dir;
  const std::string in = write_file(dir, small_file(256, 5000)), out = dir.file("out.gguf");
  for (const int threads : {1, 3}) {
    quantize(in, out, {.type = "Q4_0", .threads = threads});
    const Gguf before = Gguf::open(in), after = Gguf::open(out);
    const TensorInfo &from = *before.find_tensor("blk.0.ffn_up_exps.weight"),
                     &to = *after.find_tensor("blk.0.ffn_up_exps.weight");
    const std::vector<float> weights = decoded(from);
    std::vector<std::byte> expected(to.data.size());
    encode_rows(FormatId(find_format(to.type_id)), weights.data(), 15000, 256, {}, expected.data());
    EXPECT_TRUE(std::ranges::equal(expected, to.data)) << threads;
  }
}

TEST(Quantize, WeighsEachExpertByItsOwnImportance) {
  const test::TempDir dir;
  const std::string in = write_file(dir, small_file()), out = dir.file("out.gguf");
  ImportanceMatrix matrix;
  ImportanceEntry& entry = matrix.entries["blk.0.ffn_up_exps.weight"];
  entry.counts = {10, 0, 20};
  for (int i = 0; i < 3 * 256; ++i) entry.sums.push_back(i < 256 || i >= 512 ? float(1 + i * i % 97) : 0);
  matrix.datasets = {"/home/somebody/text.txt"};
  matrix.chunks = 3;
  write_importance(matrix, dir.file("m.gguf"));
  const QuantizeReport report = quantize(in, out, {.type = "Q4_0", .importance = dir.file("m.gguf")});
  const Gguf before = Gguf::open(in), after = Gguf::open(out);
  const TensorInfo &from = *before.find_tensor("blk.0.ffn_up_exps.weight"),
                   &to = *after.find_tensor("blk.0.ffn_up_exps.weight");
  const auto format = FormatId(find_format(to.type_id));
  const std::vector<float> weights = decoded(from), means = entry.means(256, 3);
  for (std::size_t e = 0; e < 3; ++e) {
    std::vector<std::byte> expected(40 * row_bytes(format, 256));
    encode_rows(format, weights.data() + e * 40 * 256, 40, 256, std::span(means).subspan(e * 256, 256),
                expected.data());
    EXPECT_TRUE(std::ranges::equal(expected, to.data.subspan(e * expected.size(), expected.size()))) << e;
  }
  EXPECT_EQ(number_of(after, "quantize.imatrix.entries_count"), 1);
  EXPECT_EQ(number_of(after, "quantize.imatrix.chunks_count"), 3);
  ASSERT_NE(after.find("quantize.imatrix.dataset"), nullptr);
  for (const QuantizedTensor& t : report.tensors)
    EXPECT_EQ(t.weighed, t.name == "blk.0.ffn_up_exps.weight") << t.name;
}

TEST(Quantize, RefusesAnImportanceMatrixOfAnotherModelByNameAndShape) {
  const test::TempDir dir;
  const std::string in = write_file(dir, small_file());
  std::string message;
  const auto refusal = [&](const std::string& name, ImportanceEntry entry) {
    ImportanceMatrix matrix;
    matrix.entries[name] = std::move(entry);
    write_importance(matrix, dir.file("m.gguf"));
    return code_of(
        [&] { quantize(in, dir.file("out.gguf"), {.type = "Q4_0", .importance = dir.file("m.gguf")}); },
        &message);
  };
  EXPECT_EQ(refusal("blk.1.attn_q.weight", {std::vector<float>(256, 1), {1}}), Errc::mismatch);
  EXPECT_THAT(message, HasSubstr("'blk.1.attn_q.weight'"));
  EXPECT_EQ(refusal("blk.0.attn_q.weight", {std::vector<float>(255, 1), {1}}), Errc::mismatch);
  EXPECT_THAT(message,
              testing::AllOf(HasSubstr("255"), HasSubstr("256"), HasSubstr("'blk.0.attn_q.weight'")));
  EXPECT_EQ(refusal("blk.0.ffn_up_exps.weight", {std::vector<float>(2 * 256, 1), {1, 1}}), Errc::mismatch);
  EXPECT_FALSE(fs::exists(dir.file("out.gguf")));
}

TEST(Quantize, NamesWhatIsNoNumber) {
  const test::TempDir dir;
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    GgufWriter w = small_file();
    std::vector<float> values = random_weights(256 * 40 * 3, 6);
    values[256 * 71 + 5] = bad;
    std::memcpy(w.tensors[5].data.data(), values.data(), w.tensors[5].data.size());
    const std::string in = write_file(dir, w), out = dir.file("out.gguf");
    std::string message;
    EXPECT_EQ(code_of([&] { quantize(in, out, {.type = "Q4_0"}); }, &message), Errc::nonfinite);
    EXPECT_THAT(message, HasSubstr("'blk.0.ffn_up_exps.weight'"));
    EXPECT_THAT(message, HasSubstr("row 71, column 5"));
    EXPECT_FALSE(fs::exists(out));
    EXPECT_FALSE(fs::exists(out + ".new"));
    EXPECT_EQ(code_of([&] { plan_quantize(in, out, {.type = "Q4_0", .check_tensors = true}); }, &message),
              Errc::nonfinite);
  }
}

TEST(Quantize, LooksOnlyWhereItIsAskedAtWhatIsCopied) {
  const test::TempDir dir;
  GgufWriter w = small_file();
  const float bad = NAN;
  std::memcpy(w.tensors[1].data.data() + 12, &bad, sizeof bad);  // of a norm
  const std::string in = write_file(dir, w), out = dir.file("out.gguf");
  std::string message;
  EXPECT_EQ(code_of([&] { quantize(in, out, {.type = "Q4_0", .check_tensors = true}); }, &message),
            Errc::nonfinite);
  EXPECT_THAT(message, HasSubstr("'blk.0.attn_norm.weight' holds nan in row 0, column 3"));
  EXPECT_FALSE(fs::exists(out));
  quantize(in, out, {.type = "Q4_0"});
  EXPECT_TRUE(fs::exists(out));
}

// Nobody could say that such a tensor holds numbers alone.
TEST(Quantize, NeverPassesWhatItCannotCheck) {
  const test::TempDir dir;
  GgufWriter w = small_file();
  w.tensor("blk.0.ids", {4}, 26, std::string(16, '\xff'));  // I32
  const QuantizeOptions options = {.type = "Q4_0", .leave_output = true, .check_tensors = true};
  EXPECT_NO_THROW(quantize(write_file(dir, w), dir.file("out.gguf"), options));
  GgufWriter::Tensor& head = w.tensors[6];
  head.type = 133;  // Q6_0
  head.data.assign(40 * 256 / 32 * 26, '\xff');
  std::string message;
  EXPECT_EQ(code_of([&] { quantize(write_file(dir, w), dir.file("new.gguf"), options); }, &message),
            Errc::unsupported);
  EXPECT_THAT(message, testing::AllOf(HasSubstr("'output.weight'"), HasSubstr("Q6_0")));
  EXPECT_FALSE(fs::exists(dir.file("new.gguf")));
}

TEST(Quantize, QuantizesTwiceOnlyWhereThatIsAllowed) {
  const test::TempDir dir;
  const std::string in = write_file(dir, small_file()), once = dir.file("once.gguf"),
                    out = dir.file("out.gguf");
  quantize(in, once, {.type = "Q8_0"});
  std::string message;
  EXPECT_EQ(code_of([&] { quantize(once, out, {.type = "Q4_0"}); }, &message), Errc::unsupported);
  EXPECT_THAT(message, HasSubstr("'output.weight' is quantized already (Q8_0)"));
  quantize(once, out, {.type = "Q4_0", .allow_requantize = true});
  EXPECT_EQ(type_of(Gguf::open(out), "blk.0.attn_q.weight"), "Q4_0");
  quantize(once, out, {.type = "Q8_0"});  // nothing changes
  EXPECT_TRUE(std::ranges::equal(Gguf::open(out).find_tensor("output.weight")->data,
                                 Gguf::open(once).find_tensor("output.weight")->data));
}

TEST(Quantize, RulesSayTypesOfSingleTensors) {
  const test::TempDir dir;
  const std::string in = write_file(dir, small_file());
  const auto types = [&](QuantizeOptions options) {
    std::map<std::string, std::string> all;
    for (const QuantizedTensor& t : plan_quantize(in, "", options).tensors) all[t.name] = t.to;
    return all;
  };
  auto all = types({.type = "Q4_0", .tensor_types = {{"attn_(q|k)", "Q5_1"}, {"attn", "f16"}}});
  EXPECT_EQ(all["blk.0.attn_q.weight"], "Q5_1");
  EXPECT_EQ(all["blk.0.attn_v.weight"], "F16");
  EXPECT_EQ(all["blk.0.attn_norm.weight"], "F32");
  EXPECT_EQ(all["output.weight"], "Q6_K");
  all = types({.type = "Q4_0", .output_type = "q8_0", .embedding_type = "Q4_1"});
  EXPECT_EQ(all["output.weight"], "Q8_0");
  EXPECT_EQ(all["token_embd.weight"], "Q4_1");
  EXPECT_EQ(types({.type = "Q4_0", .pure = true})["output.weight"], "Q4_0");
  EXPECT_EQ(types({.type = "Q4_0", .leave_output = true})["output.weight"], "F32");
  GgufWriter tied = small_file();
  tied.tensors.pop_back();
  write_file(dir, tied);
  EXPECT_EQ(types({.type = "Q4_0", .output_type = "q8_0"})["token_embd.weight"], "Q8_0");
  EXPECT_EQ(types({.type = "Q4_0", .output_type = "q8_0", .pure = true})["token_embd.weight"], "Q4_0");
  EXPECT_EQ(
      types({.type = "Q4_0", .tensor_types = {{"embd", "Q5_1"}}, .output_type = "q8_0"})["token_embd.weight"],
      "Q5_1");
  EXPECT_EQ(types({.type = "MXFP4_MOE"})["blk.0.ffn_up_exps.weight"], "MXFP4");

  std::string message;
  EXPECT_EQ(code_of([&] { types({.type = "Q4_9"}); }, &message), Errc::range);
  EXPECT_THAT(message, HasSubstr("Q4_K_M"));
  EXPECT_EQ(code_of(
                [&] {
                  types({.type = "Q4_0", .tensor_types = {{"a(", "F16"}}});
                },
                &message),
            Errc::range);
  EXPECT_THAT(message, HasSubstr("'a('"));
  EXPECT_EQ(code_of([&] { types({.type = "Q4_0", .tensor_types = {{"a", "X"}}}); }), Errc::range);
  EXPECT_EQ(code_of([&] { types({}); }), Errc::range);
  EXPECT_EQ(code_of([&] { types({.type = "Q4_0", .target_bits = 4}); }), Errc::range);
  EXPECT_EQ(code_of([&] { types({.pure = true, .target_bits = 4}); }), Errc::range);
  for (const char* nobodys : {"ffn_dwon", "attn_norm"}) {
    EXPECT_EQ(code_of(
                  [&] {
                    types({.type = "Q4_0", .tensor_types = {{"attn_q", "Q8_0"}, {nobodys, "Q8_0"}}});
                  },
                  &message),
              Errc::range);
    EXPECT_THAT(message, HasSubstr(nobodys));
  }
}

TEST(Quantize, HoldsRowsOfAnyWidth) {
  const test::TempDir dir;
  for (const std::uint64_t cols : {1, 31, 32, 48, 64, 96, 255, 320, 512}) {
    const std::string in = write_file(dir, small_file(cols, 3)), out = dir.file("out.gguf");
    for (const char* type : {"Q4_0", "Q8_0"}) {
      const QuantizeReport report = quantize(in, out, {.type = type, .pure = true});
      const Gguf before = Gguf::open(in), after = Gguf::open(out);
      const bool fits = cols % 32 == 0;
      for (const QuantizedTensor& t : report.tensors) {
        const bool matrix = t.to != "F32";
        EXPECT_EQ(t.wanted, matrix && !fits ? type : "") << cols << " " << t.name;
        EXPECT_TRUE(!matrix || t.to == (fits ? type : "F16")) << cols << " " << t.name;
        EXPECT_LT(test::nmse(decoded(*after.find_tensor(t.name)), decoded(*before.find_tensor(t.name))),
                  0.02);
      }
    }
  }
}

TEST(Quantize, MeetsATargetAndNeverExceedsIt) {
  const test::TempDir dir;
  const std::string in = write_file(dir, small_file(256, 100)), out = dir.file("out.gguf");
  const std::uint64_t large = quantize(in, out, {.type = "F16"}).file_bytes;
  double error_before = std::numeric_limits<double>::infinity();
  for (const double share : {0.3, 0.4, 0.5}) {
    const auto target = std::uint64_t(share * double(large));
    const QuantizeReport report = quantize(in, out, {.target_bytes = target});
    EXPECT_LE(fs::file_size(out), target);
    EXPECT_GT(double(fs::file_size(out)), 0.9 * double(target));
    const Gguf before = Gguf::open(in), after = Gguf::open(out);
    double error = 0;
    for (const TensorInfo& t : before.tensors())
      error += test::nmse(decoded(*after.find_tensor(t.name)), decoded(t));
    EXPECT_LT(error, error_before) << share;
    error_before = error;
    EXPECT_EQ(plan_quantize(in, out, {.target_bytes = target}).file_bytes, report.file_bytes);
  }
  // Between two types that lie far apart, some tensors have the one and some the other.
  const QuantizeReport wide = plan_quantize(in, out, {.target_bits = 15});
  EXPECT_LE(wide.bits(), 15);
  EXPECT_GT(wide.bits(), 11);
  const QuantizeReport bits = plan_quantize(in, out, {.target_bits = 9});
  EXPECT_LE(bits.bits(), 9);
  EXPECT_GT(bits.bits(), 8);
  std::string message;
  EXPECT_EQ(code_of([&] { plan_quantize(in, out, {.target_bits = 0.5}); }, &message), Errc::limit);
  EXPECT_THAT(message, HasSubstr("MiB at least"));
  // What a rule says stays.
  for (const QuantizedTensor& t :
       plan_quantize(in, out, {.tensor_types = {{"attn_q", "F32"}}, .target_bits = 9}).tensors) {
    EXPECT_TRUE(t.name != "blk.0.attn_q.weight" || t.to == "F32");
  }
}

}  // namespace
}  // namespace longhand
