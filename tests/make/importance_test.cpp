#include "engine/make/imatrix/importance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>

#include "loaders/gguf/gguf_writer.h"
#include "tests/support/error_code.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/temp_dir.h"

namespace longhand {
namespace {

using test::code_of;
using testing::HasSubstr;

ImportanceMatrix small() {
  ImportanceMatrix matrix;
  matrix.entries["blk.0.attn_q.weight"] = {{1, 2, 3, 4}, {10}};
  matrix.entries["blk.0.ffn_up_exps.weight"] = {{1, 2, 3, 4, 5, 6}, {2, 0, 4}};
  matrix.datasets = {"first.txt", "second.txt"};
  matrix.chunks = 7;
  matrix.chunk_size = 512;
  return matrix;
}

std::string old_file(const std::vector<std::pair<std::string, std::vector<float>>>& entries, int calls) {
  std::string bytes = gguf_bytes(std::int32_t(entries.size()));
  for (const auto& [name, values] : entries) {
    bytes += gguf_bytes(std::int32_t(name.size())) + name + gguf_bytes(std::int32_t(calls)) +
             gguf_bytes(std::int32_t(values.size()));
    for (const float value : values) bytes += gguf_bytes(value);
  }
  return bytes + gguf_bytes(std::int32_t{5}) + gguf_bytes(std::int32_t{4}) + "text";
}

TEST(Importance, IsReadAgainAsItWasWritten) {
  const test::TempDir dir;
  const std::string path = dir.file("imatrix.gguf");
  write_importance(small(), path);
  const ImportanceMatrix read = read_importance(path);
  ASSERT_EQ(read.entries.size(), 2u);
  for (const auto& [name, entry] : small().entries) {
    EXPECT_EQ(read.entries.at(name).sums, entry.sums);
    EXPECT_EQ(read.entries.at(name).counts, entry.counts);
  }
  EXPECT_EQ(read.datasets, small().datasets);
  EXPECT_EQ(read.chunks, 7);
  EXPECT_EQ(read.chunk_size, 512);
}

TEST(Importance, StandsInTheFileAsOtherProgramsReadIt) {
  const test::TempDir dir;
  const std::string path = dir.file("imatrix.gguf");
  write_importance(small(), path);
  const Gguf file = Gguf::open(path);
  ASSERT_EQ(file.tensors().size(), 4u);
  const TensorInfo* sums = file.find_tensor("blk.0.ffn_up_exps.weight.in_sum2");
  const TensorInfo* counts = file.find_tensor("blk.0.ffn_up_exps.weight.counts");
  ASSERT_NE(sums, nullptr);
  ASSERT_NE(counts, nullptr);
  EXPECT_EQ(sums->dims, (std::array<std::uint64_t, 4>{2, 3, 1, 1}));
  EXPECT_EQ(counts->dims, (std::array<std::uint64_t, 4>{1, 3, 1, 1}));
  ASSERT_NE(file.find("general.type"), nullptr);
  EXPECT_EQ(file.find("imatrix.datasets")->count, 2u);
  EXPECT_EQ(file.find("imatrix.chunk_count")->type, ValueType::u32);
  EXPECT_EQ(file.find("imatrix.chunk_size")->type, ValueType::u32);
}

TEST(Importance, IsReadFromTheOlderForm) {
  const test::TempDir dir;
  const std::string path = dir.write("old.dat", old_file({{"blk.0.attn_q.weight", {2, 4, 6}}}, 2));
  const ImportanceMatrix read = read_importance(path);
  EXPECT_EQ(read.entries.at("blk.0.attn_q.weight").means(3, 1), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(read.chunks, 5);
  EXPECT_EQ(read.datasets, std::vector<std::string>{"text"});
}

TEST(Importance, EveryCutOfTheOlderFormIsRefused) {
  const test::TempDir dir;
  const std::string whole = old_file({{"blk.0.attn_q.weight", {2, 4, 6}}, {"b", {1}}}, 2);
  const std::size_t entries_end = whole.size() - 12;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // What follows the entries may be missing, and so may the name of the text.
    if (size == entries_end || size == entries_end + 4) continue;
    const std::string path = dir.write("cut.dat", whole.substr(0, size));
    EXPECT_EQ(code_of([&] { read_importance(path); }), Errc::truncated) << size;
  }
}

TEST(Importance, LengthsAreNotBelievedBeforeTheBytesAreThere) {
  const auto peak = [] {
    struct rusage usage {};
    ::getrusage(RUSAGE_SELF, &usage);
    return std::int64_t{usage.ru_maxrss} << 10;
  };
  const test::TempDir dir;
  const std::string large = gguf_bytes(std::int32_t{1}) + gguf_bytes(std::int32_t{1}) + "a" +
                            gguf_bytes(std::int32_t{1}) + gguf_bytes(std::int32_t{0x7FFFFFFF});
  const std::string path = dir.write("large.dat", large);
  const std::int64_t before = peak();
  EXPECT_EQ(code_of([&] { read_importance(path); }), Errc::truncated);
  EXPECT_LT(peak() - before, std::int64_t{1} << 30);
}

TEST(Importance, MeansAreOnesWhereNothingWasSeen) {
  const ImportanceMatrix matrix = small();
  const ImportanceEntry& experts = matrix.entries.at("blk.0.ffn_up_exps.weight");
  EXPECT_EQ(experts.means(2, 3), (std::vector<float>{0.5f, 1, 1, 1, 1.25f, 1.5f}));
  EXPECT_TRUE(experts.means(3, 2).empty());
  EXPECT_TRUE(experts.means(6, 1).empty());
  const ImportanceEntry& heads = matrix.entries.at("blk.0.attn_q.weight");
  EXPECT_EQ(heads.means(2, 2), (std::vector<float>{0.1f, 0.2f, 0.3f, 0.4f}));  // one count for all
}

TEST(Importance, AddsUp) {
  ImportanceMatrix matrix = small();
  ImportanceMatrix other = small();
  other.entries["new"] = {{1}, {1}};
  other.datasets = {"second.txt", "third.txt"};
  matrix.add(other);
  EXPECT_EQ(matrix.entries.at("blk.0.attn_q.weight").sums, (std::vector<float>{2, 4, 6, 8}));
  EXPECT_EQ(matrix.entries.at("blk.0.attn_q.weight").counts, (std::vector<float>{20}));
  EXPECT_EQ(matrix.entries.size(), 3u);
  EXPECT_EQ(matrix.chunks, 14);
  EXPECT_EQ(matrix.datasets, (std::vector<std::string>{"first.txt", "second.txt", "third.txt"}));

  ImportanceMatrix wrong;
  wrong.entries["new"] = {{5}, {1}};
  wrong.entries["blk.0.attn_q.weight"] = {{1, 2, 3}, {1}};
  EXPECT_EQ(code_of([&] { matrix.add(wrong); }), Errc::mismatch);
  EXPECT_EQ(matrix.entries.at("new").sums, (std::vector<float>{1}));  // nothing was added
}

TEST(Importance, BadFilesAreRefusedByName) {
  const test::TempDir dir;
  const auto refusal = [&](const test::GgufWriter& writer) {
    const std::string path = dir.file("bad.gguf");
    writer.write(path);
    std::string message;
    const auto code = code_of([&] { read_importance(path); }, &message);
    EXPECT_THAT(message, HasSubstr("bad.gguf"));
    return std::pair(code, message);
  };
  test::GgufWriter no_counts, negative, infinite, uneven, model;
  no_counts.tensor("a.in_sum2", {2}, std::vector<float>{1, 2});
  EXPECT_EQ(refusal(no_counts).first, Errc::mismatch);
  negative.tensor("a.in_sum2", {2}, std::vector<float>{1, -2}).tensor("a.counts", {1}, std::vector<float>{1});
  EXPECT_THAT(refusal(negative).second, HasSubstr("'a'"));
  EXPECT_EQ(refusal(negative).first, Errc::range);
  infinite.tensor("a.in_sum2", {2}, std::vector<float>{1, INFINITY})
      .tensor("a.counts", {1}, std::vector<float>{1});
  EXPECT_EQ(refusal(infinite).first, Errc::nonfinite);
  uneven.tensor("a.in_sum2", {3}, std::vector<float>{1, 2, 3})
      .tensor("a.counts", {2}, std::vector<float>{1, 1});
  EXPECT_EQ(refusal(uneven).first, Errc::shape);
  for (const std::int64_t chunks : {std::int64_t{-1}, std::int64_t{1} << 40}) {
    test::GgufWriter many;
    many.tensor("a.in_sum2", {1}, std::vector<float>{1}).tensor("a.counts", {1}, std::vector<float>{1});
    many.add("imatrix.chunk_count", chunks);
    EXPECT_EQ(refusal(many).first, Errc::range);
  }
  model.tensor("token_embd.weight", {2}, std::vector<float>{1, 2});
  EXPECT_EQ(refusal(model).first, Errc::missing);
}

}  // namespace
}  // namespace longhand
