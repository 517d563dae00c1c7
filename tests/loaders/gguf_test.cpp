// Good files: what is written is what is read. Files of real architectures and split models.
#include "loaders/gguf/gguf.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "ops/error.h"
#include "tests/support/bad_gguf.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class Load>
void expect_error(Load load, Errc code, const std::string& says) {
  try {
    load();
    ADD_FAILURE() << "no error, expected one that says " << says;
  } catch (const Error& error) {
    EXPECT_EQ(errc_name(error.code()), errc_name(code)) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(says));
  }
}

TEST(Gguf, ShowsEveryEntryAndTensorInFileOrder) {
  for (const std::uint32_t version : {2U, 3U}) {
    GgufWriter writer = small_gguf();
    writer.version = version;
    const auto bytes = writer.bytes();
    const Gguf file = Gguf::parse(bytes, "small.gguf");
    EXPECT_EQ(file.name(), "small.gguf");
    EXPECT_EQ(file.version(), version);
    EXPECT_EQ(file.architecture(), "llama");
    EXPECT_EQ(file.file_bytes(), bytes.size());

    ASSERT_EQ(file.metadata().size(), writer.entries.size());
    for (std::size_t i = 0; i < writer.entries.size(); ++i) {
      const MetaEntry& entry = file.metadata()[i];
      const auto& written = writer.entries[i];
      EXPECT_EQ(entry.key, written.key);
      EXPECT_EQ(std::uint32_t(entry.type), written.type);
      EXPECT_EQ(text(entry.data), entry.type == ValueType::array ? written.value.substr(12) : written.value);
      EXPECT_EQ(entry.data.data(), bytes.data() + entry.offset);
      EXPECT_EQ(file.find(entry.key), &entry);
    }
    ASSERT_EQ(file.tensors().size(), writer.tensors.size());
    for (std::size_t i = 0; i < writer.tensors.size(); ++i) {
      const TensorInfo& tensor = file.tensors()[i];
      const auto& written = writer.tensors[i];
      EXPECT_EQ(tensor.name, written.name);
      EXPECT_EQ(tensor.type_id, written.type);
      EXPECT_EQ(text(tensor.data), written.data);
      EXPECT_EQ(std::size_t(tensor.n_dims), written.dims.size());
      for (std::size_t d = 0; d < 4; ++d)
        EXPECT_EQ(tensor.dims[d], d < written.dims.size() ? written.dims[d] : 1U);
      EXPECT_EQ(file.find_tensor(tensor.name), &tensor);
    }
    EXPECT_EQ(file.find("no.such.key"), nullptr);
    EXPECT_EQ(file.find(""), nullptr);
    EXPECT_EQ(file.find_tensor("zzz"), nullptr);
  }
}

TEST(Gguf, ReadsArraysOfEveryType) {
  const auto bytes = small_gguf().bytes();
  const Gguf file = Gguf::parse(bytes, "small.gguf");
  EXPECT_THAT(file.get_strings(key::tokens), ElementsAre("a", "", "\xFF", std::string_view("\0", 1)));
  EXPECT_THAT(file.get_floats(key::scores), ElementsAre(0.0, -1.0, -2.5, 3.0));
  EXPECT_THAT(file.get_ints(key::token_types), ElementsAre(1, 2, 3, 6));
  EXPECT_EQ(file.find("test.bools")->count, 3U);
}

TEST(Gguf, OpensTheSmallestFile) {
  GgufWriter writer;
  const auto bytes = writer.bytes();
  ASSERT_EQ(bytes.size(), 24U);
  const Gguf file = Gguf::parse(bytes, "least.gguf");
  EXPECT_TRUE(file.metadata().empty());
  EXPECT_TRUE(file.tensors().empty());
  EXPECT_EQ(file.architecture(), "");
}

TEST(Gguf, AcceptsEveryLegalAlignment) {
  for (std::uint32_t alignment = 1; alignment <= 1U << 20; alignment *= 2) {
    GgufWriter writer = small_gguf();
    writer.align(alignment);
    const auto bytes = writer.bytes();
    const Gguf file = Gguf::parse(bytes, "aligned.gguf");
    EXPECT_EQ(text(file.tensors()[2].data), writer.tensors[2].data);
    EXPECT_EQ((file.tensors()[1].data.data() - bytes.data()) % alignment, 0);
  }
}

TEST(Gguf, AcceptsTensorsInAnyOrderAndWithGaps) {
  GgufWriter writer;
  writer.tensor("second", {8}, 0, std::string(32, '2')).tensor("first", {8}, 0, std::string(32, '1'));
  writer.tensor("far", {8}, 0, std::string(32, '3')).tensor("filler", {16}, 0, std::string(64, '-'));
  writer.tensors[0].offset = 32;
  writer.tensors[1].offset = 0;
  writer.tensors[2].offset = 128;
  writer.tensors[3].offset = 64;
  const auto bytes = writer.bytes();
  const Gguf file = Gguf::parse(bytes, "order.gguf");
  EXPECT_EQ(text(file.find_tensor("second")->data), std::string(32, '1'));
  EXPECT_EQ(text(file.find_tensor("first")->data), std::string(32, '2'));
}

TEST(Gguf, AcceptsNamesOfAnyScriptUpToTheirLimits) {
  GgufWriter writer;
  writer.add("cl\xC3\xA9.\xE9\x8D\xB5", 1U).add(std::string(65535, 'k'), 2U);
  writer.tensor(std::string(63, 't'), {1}, {1.0F}).tensor("\xF0\x9F\x94\x91", {1}, {2.0F});
  const auto bytes = writer.bytes();
  const Gguf file = Gguf::parse(bytes, "names.gguf");
  EXPECT_NE(file.find("cl\xC3\xA9.\xE9\x8D\xB5"), nullptr);
  EXPECT_NE(file.find(std::string(65535, 'k')), nullptr);
  EXPECT_NE(file.find_tensor(std::string(63, 't')), nullptr);
}

TEST(Gguf, KeepsItsViewsWhenMovedAndReleased) {
  const TempDir folder;
  const std::string path = folder.file("model.gguf");
  small_gguf().write(path);
  Gguf first = Gguf::open(path);
  const Gguf file = std::move(first);
  EXPECT_EQ(file.name(), "model.gguf");
  for (const TensorInfo& tensor : file.tensors()) file.release(tensor.data);
  EXPECT_EQ(text(file.find_tensor("token_embd.weight")->data), std::string(68, 'q'));
}

// A split model: `count` files, each with one tensor "t<no>", written to `folder`.
std::vector<GgufWriter> split_model(std::uint16_t count) {
  std::vector<GgufWriter> parts(count);
  for (std::uint16_t no = 0; no < count; ++no) {
    GgufWriter& part = parts[no];
    if (no == 0) part.add("general.architecture", "llama").add("llama.block_count", 7U);
    part.add("split.no", no).add("split.count", count).add("split.tensors.count", std::int32_t{count});
    part.tensor(fmt::format("t{}", no), {2}, {1.0F * no, 0.5F});
  }
  return parts;
}

std::string part_name(int no, int count) { return fmt::format("model-{:05}-of-{:05}.gguf", no, count); }

std::string write_parts(const TempDir& folder, const std::vector<GgufWriter>& parts) {
  const int count = int(parts.size());
  for (int i = 0; i < count; ++i) parts[std::size_t(i)].write(folder.file(part_name(i + 1, count)));
  return folder.file(part_name(1, count));
}

TEST(SplitGguf, OpensAllPartsFromTheFirst) {
  const TempDir folder;
  const Gguf file = Gguf::open(write_parts(folder, split_model(12)));
  ASSERT_EQ(file.tensors().size(), 12U);
  for (int no = 0; no < 12; ++no) {
    const TensorInfo* tensor = file.find_tensor(fmt::format("t{}", no));
    ASSERT_NE(tensor, nullptr);
    EXPECT_EQ(tensor->part, no);
    EXPECT_EQ(text(tensor->data), encode(1.0F * float(no)) + encode(0.5F));
    file.release(tensor->data);
  }
  EXPECT_EQ(file.require_int(key::block_count), 7);
  std::uintmax_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) bytes += entry.file_size();
  EXPECT_EQ(file.file_bytes(), bytes);
}

TEST(SplitGguf, OpensAModelWhoseOnlyPartIsTheFirst) {
  const TempDir folder;
  const std::string path = folder.file("whole.gguf");
  split_model(1).front().write(path);
  EXPECT_EQ(Gguf::open(path).tensors().size(), 1U);
}

TEST(SplitGguf, NamesTheFileToOpenWhenGivenAnother) {
  const TempDir folder;
  write_parts(folder, split_model(3));
  expect_error([&] { Gguf::open(folder.file(part_name(2, 3))); }, Errc::mismatch,
               "is part 2 of 3 of a split model; open 'model-00001-of-00003.gguf' instead");
  std::filesystem::rename(folder.file(part_name(2, 3)), folder.file("renamed.gguf"));
  expect_error([&] { Gguf::open(folder.file("renamed.gguf")); }, Errc::mismatch, "...-00001-of-00003.gguf");
}

TEST(SplitGguf, RefusesARenamedFirstPart) {
  const TempDir folder;
  const std::string path = write_parts(folder, split_model(2));
  for (const char* name :
       {"model.gguf", "model-00001-of-00003.gguf", "model-1-of-2.gguf", "-00001-of-00002.gguf"}) {
    std::filesystem::copy_file(path, folder.file(name));
    expect_error([&] { Gguf::open(folder.file(name)); }, Errc::mismatch,
                 "must end in '-00001-of-00002.gguf'");
  }
}

TEST(SplitGguf, NamesAMissingPart) {
  const TempDir folder;
  const std::string path = write_parts(folder, split_model(3));
  std::filesystem::remove(folder.file(part_name(2, 3)));
  expect_error([&] { Gguf::open(path); }, Errc::missing, "part 2 of 3, 'model-00002-of-00003.gguf'");
  std::filesystem::create_directory(folder.file(part_name(2, 3)));
  expect_error([&] { Gguf::open(path); }, Errc::io, "is a folder");
}

TEST(SplitGguf, RefusesPartsThatDoNotBelongTogether) {
  const struct {
    std::string name;
    std::string says;
    Errc code;
    void (*change)(GgufWriter& second);
  } cases[] = {
      {"wrong number", "split.no is 2", Errc::mismatch,
       [](GgufWriter& w) { w.entries[0].value = encode(std::uint16_t{2}); }},
      {"wrong count", "split.count 4", Errc::mismatch,
       [](GgufWriter& w) { w.entries[1].value = encode(std::uint16_t{4}); }},
      {"no split keys", "split.no is -1", Errc::mismatch, [](GgufWriter& w) { w.entries.clear(); }},
      {"more tensors", "have 3 tensors", Errc::mismatch,
       [](GgufWriter& w) { w.tensor("extra", {1}, {1.0F}); }},
      {"no tensors", "have 1 tensors", Errc::mismatch, [](GgufWriter& w) { w.tensors.clear(); }},
      {"same tensor", "'t0'", Errc::duplicate, [](GgufWriter& w) { w.tensors[0].name = "t0"; }},
      {"broken", "not a GGUF file", Errc::magic, [](GgufWriter& w) { w.magic = "JUNK"; }},
  };
  for (const auto& row : cases) {
    SCOPED_TRACE(row.name);
    const TempDir folder;
    auto parts = split_model(2);
    row.change(parts[1]);
    const std::string path = write_parts(folder, parts);
    expect_error([&] { Gguf::open(path); }, row.code, row.says);
  }
}

TEST(SplitGguf, RefusesCountsOutOfRange) {
  for (const std::uint32_t count : {1000U, 65535U, 0xFFFFFFFFU}) {
    GgufWriter writer;
    writer.add("split.no", 0U).add("split.count", count);
    const auto bytes = writer.bytes();
    expect_error([&] { Gguf::parse(bytes, "x.gguf"); }, Errc::range, "split.count");
  }
}

TEST(SplitGguf, TakesNoNamesFromMetadata) {
  const TempDir folder;
  auto parts = split_model(2);
  for (const char* key : {"split.files", "split.path", "general.name"}) parts[0].add(key, "../../etc/passwd");
  EXPECT_EQ(Gguf::open(write_parts(folder, parts)).tensors().size(), 2U);
}

TEST(SplitGguf, CannotBeParsedFromMemory) {
  const auto bytes = split_model(2).front().bytes();
  expect_error([&] { Gguf::parse(bytes, "x.gguf"); }, Errc::unsupported, "split model");
}

TEST(GoldenGguf, OpensEveryModel) {
  namespace fs = std::filesystem;
  if (!fs::exists(LONGHAND_GOLDEN)) GTEST_SKIP() << "no golden data at " LONGHAND_GOLDEN;
  int models = 0, vocabularies = 0;
  for (const auto& entry : fs::recursive_directory_iterator(LONGHAND_GOLDEN)) {
    if (entry.path().extension() != ".gguf") continue;
    SCOPED_TRACE(entry.path().string());
    const Gguf file = Gguf::open(entry.path().string());
    EXPECT_NE(file.architecture(), "");
    EXPECT_EQ(file.file_bytes(), entry.file_size());
    ++(file.tensors().empty() ? vocabularies : models);
    for (const TensorInfo& tensor : file.tensors()) EXPECT_EQ(file.find_tensor(tensor.name), &tensor);
    if (file.tensors().empty()) continue;
    EXPECT_GE(file.require_int(key::block_count), 1);
    EXPECT_GE(file.require_int(key::embedding_length), 1);
    EXPECT_GE(file.find_tensor("token_embd.weight")->data.size(), 1U);
  }
  EXPECT_GE(models, 134);
  EXPECT_GE(vocabularies, 7);
}

}  // namespace
}  // namespace longhand::test
