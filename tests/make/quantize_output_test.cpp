// Where quantized models are written, and what is there when that ends early.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <filesystem>

#include "engine/longhand_quantize.h"
#include "engine/make/imatrix/importance.h"
#include "tests/make/small_file.h"
#include "tests/support/error_code.h"
#include "tests/support/golden.h"

namespace longhand {
namespace {

namespace fs = std::filesystem;
using test::code_of;
using test::GgufWriter;
using test::small_file;
using test::write_file;
using testing::HasSubstr;

TEST(QuantizeOutput, NeverReplacesWhatItReads) {
  const test::TempDir dir;
  const std::string in = write_file(dir, small_file());
  const std::string bytes = test::read_text(in);
  fs::create_symlink(in, dir.file("link.gguf"));
  fs::create_hard_link(in, dir.file("hard.gguf"));
  for (const std::string& out : {in, dir.file("link.gguf"), dir.file("hard.gguf"), dir.file("./in.gguf")}) {
    std::string message;
    EXPECT_EQ(code_of([&] { quantize(in, out, {.type = "Q4_0"}); }, &message), Errc::range) << out;
    EXPECT_THAT(message, HasSubstr("overwritten"));
    EXPECT_EQ(test::read_text(in), bytes);
  }
}

TEST(QuantizeOutput, NeverReplacesTheImportanceItReads) {
  const test::TempDir dir;
  const std::string in = write_file(dir, small_file()), out = dir.file("m.gguf");
  ImportanceMatrix matrix;
  matrix.entries["blk.0.attn_q.weight"] = {std::vector<float>(256, 1), {1}};
  write_importance(matrix, out);
  const std::string bytes = test::read_text(out);
  EXPECT_EQ(code_of([&] { quantize(in, out, {.type = "Q4_0", .importance = out}); }), Errc::range);
  EXPECT_EQ(test::read_text(out), bytes);
}

// What stands where a result is written before it is whole is removed.
TEST(QuantizeOutput, NeverRemovesWhatItReads) {
  const test::TempDir dir;
  const std::string out = dir.file("m.gguf");
  ImportanceMatrix matrix;
  matrix.entries["blk.0.attn_q.weight"] = {std::vector<float>(256, 1), {1}};
  for (const char* name : {"m.gguf.new", "m.gguf.new.journal"}) {
    const std::string in = write_file(dir, small_file(), name);
    fs::create_symlink(out, dir.file("link.gguf"));
    for (const std::string& way : {out, dir.file("link.gguf")})
      EXPECT_EQ(code_of([&] { quantize(in, way, {.type = "Q4_0"}); }), Errc::range) << name;
    EXPECT_TRUE(fs::exists(in)) << name;
    fs::remove(in);
    write_importance(matrix, in);
    const std::string model = write_file(dir, small_file());
    EXPECT_EQ(code_of([&] { quantize(model, out, {.type = "Q4_0", .importance = in}); }), Errc::range)
        << name;
    EXPECT_TRUE(fs::exists(in)) << name;
    fs::remove(in);
    fs::remove(dir.file("link.gguf"));
  }
}

TEST(QuantizeOutput, RefusesBeforeItReadsWeights) {
  const test::TempDir dir;
  const std::string in = write_file(dir, small_file());
  const auto never = [](float) {
    ADD_FAILURE() << "weights were read";
    return true;
  };
  const QuantizeOptions checked = {.type = "Q4_0", .check_tensors = true, .progress = never};
  EXPECT_EQ(code_of([&] { quantize(in, in, checked); }), Errc::range);
  EXPECT_EQ(code_of([&] { quantize(in, in, {.target_bits = 5, .progress = never}); }), Errc::range);
  const QuantizeOptions unweighed = {.type = "IQ1_S", .check_tensors = true, .progress = never};
  EXPECT_EQ(code_of([&] { quantize(in, dir.file("out.gguf"), unweighed); }), Errc::missing);
  EXPECT_THAT(plan_quantize(in, "", {.type = "IQ1_S"}).refusal, HasSubstr("no importance"));
  EXPECT_EQ(plan_quantize(in, "", {.type = "Q4_0"}).refusal, "");
}

TEST(QuantizeOutput, TellsBeforeItBeginsThatTheDiskIsTooSmall) {
  const test::TempDir dir;
  struct statvfs disk {};
  ASSERT_EQ(::statvfs(dir.path().c_str(), &disk), 0);
  const std::uint64_t free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  GgufHead head;
  head.entries = {gguf_entry("general.architecture", std::string("large"))};
  constexpr std::uint64_t kCols = 1 << 16;
  const std::uint64_t rows = (2 * free + (1 << 30)) / kCols;  // as Q8_0 about twice what is free
  head.tensors = {{"blk.0.ffn_up.weight", {kCols, rows}, F32::info.gguf, 4 * kCols * rows}};
  const std::string in = dir.write("in.gguf", head.bytes());
  std::error_code error;
  fs::resize_file(in, head.bytes().size() + 4 * kCols * rows, error);
  if (error) GTEST_SKIP() << "SKIPPED, NOT TESTED: the file system has no files of this size";
  std::string message;
  const std::string out = dir.file("out.gguf");
  EXPECT_EQ(code_of([&] { quantize(in, out, {.type = "Q8_0"}); }, &message), Errc::io);
  EXPECT_THAT(message, HasSubstr("GiB free"));
  EXPECT_FALSE(fs::exists(out + ".new"));
}

TEST(QuantizeOutput, AnEndedRunLeavesTheOldFile) {
  const test::TempDir dir;
  const std::string in = write_file(dir, small_file()), out = dir.write("out.gguf", "old");
  dir.write("out.gguf.new", "what a killed run left");
  for (const float limit : {0.0f, 0.3f, 0.9f}) {
    const auto progress = [&](float share) { return share <= limit; };
    EXPECT_EQ(code_of([&] { quantize(in, out, {.type = "Q4_0", .progress = progress}); }), Errc::cancelled);
    EXPECT_EQ(test::read_text(out), "old");
    EXPECT_FALSE(fs::exists(out + ".new"));
  }
  float last = 0;
  const auto rising = [&](float share) {
    EXPECT_GE(share, last);
    last = share;
    return true;
  };
  quantize(in, out, {.type = "Q4_0", .progress = rising});
  EXPECT_FLOAT_EQ(last, 1);
  EXPECT_EQ(Gguf::open(out).tensors().size(), 7u);
}

TEST(QuantizeOutput, KeepsTheAlignmentOfTheSource) {
  const test::TempDir dir;
  GgufWriter w = small_file();
  w.align(128);
  const std::string in = write_file(dir, w), out = dir.file("out.gguf");
  quantize(in, out, {.type = "Q4_0"});
  const Gguf after = Gguf::open(out);
  EXPECT_EQ(after.get_int(key::alignment), 128);
}

// Two parts of a model.
std::string write_split(const test::TempDir& dir) {
  const GgufWriter whole = small_file();
  for (std::uint16_t no = 0; no < 2; ++no) {
    GgufWriter part;
    if (no == 0) part.entries = whole.entries;
    part.add("split.no", no).add("split.count", std::uint16_t{2});
    part.add("split.tensors.count", std::int32_t(whole.tensors.size()));
    for (std::size_t i = no == 0 ? 0 : 3; i < (no == 0 ? 3 : whole.tensors.size()); ++i)
      part.tensors.push_back(whole.tensors[i]);
    part.write(dir.file(no == 0 ? "in-00001-of-00002.gguf" : "in-00002-of-00002.gguf"));
  }
  return dir.file("in-00001-of-00002.gguf");
}

TEST(QuantizeOutput, ReadsSplitModelsAndWritesThemAsOneOrAsMany) {
  const test::TempDir dir;
  const std::string whole = write_file(dir, small_file(), "whole.gguf"), in = write_split(dir);
  quantize(whole, dir.file("expected.gguf"), {.type = "Q4_0"});
  quantize(in, dir.file("joined.gguf"), {.type = "Q4_0"});
  const QuantizeReport report = quantize(in, dir.file("out.gguf"), {.type = "Q4_0", .keep_split = true});
  ASSERT_EQ(report.files.size(), 2u);
  EXPECT_EQ(report.files[1], dir.file("out-00002-of-00002.gguf"));
  const Gguf expected = Gguf::open(dir.file("expected.gguf"));
  for (const std::string& path : {dir.file("joined.gguf"), report.files[0]}) {
    const Gguf file = Gguf::open(path);
    ASSERT_EQ(file.tensors().size(), expected.tensors().size());
    for (const TensorInfo& t : expected.tensors()) {
      EXPECT_EQ(file.find_tensor(t.name)->type_id, t.type_id);
      EXPECT_TRUE(std::ranges::equal(file.find_tensor(t.name)->data, t.data)) << t.name;
    }
  }
  // Each part is kept from replacing any part of the source.
  std::string message;
  EXPECT_EQ(code_of([&] { quantize(in, dir.file("in.gguf"), {.type = "Q4_0", .keep_split = true}); }),
            Errc::range);
  EXPECT_EQ(code_of([&] { quantize(in, dir.file("in-00002-of-00002.gguf"), {.type = "Q4_0"}); }),
            Errc::range);
}

}  // namespace
}  // namespace longhand
