#include "engine/make/gguf_output.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "tests/support/temp_dir.h"

namespace longhand {
namespace {

GgufHead two_tensors() {
  GgufHead head;
  head.entries = {gguf_entry("general.architecture", std::string("llama")),
                  gguf_array("numbers", std::vector<std::int32_t>{1, -2, 3}),
                  gguf_array("words", std::vector<std::string>{"a", "", "bcd"})};
  head.tensors = {{"first", {3}, 0, 12}, {"second", {2, 2}, 0, 16}};
  return head;
}

std::vector<std::byte> bytes_of(std::vector<float> values) {
  std::vector<std::byte> bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

TEST(GgufOutput, WritesAFileThatIsReadAgainWithTheSameEntries) {
  const test::TempDir dir;
  const std::string path = dir.file("out.gguf");
  GgufOutput out(path, two_tensors());
  const std::vector<std::byte> data = bytes_of({1, 2, 3, 4, 5, 6, 7});
  out.write(std::span(data).first(5));  // pieces end where they like
  out.write(std::span(data).subspan(5));
  EXPECT_FALSE(std::filesystem::exists(path));
  out.commit();
  const auto others = std::filesystem::perms::others_read | std::filesystem::perms::group_read;
  const mode_t mask = ::umask(0);
  ::umask(mask);
  EXPECT_EQ((std::filesystem::status(path).permissions() & others) != std::filesystem::perms::none,
            (mask & 0044) != 0044);

  const Gguf file = Gguf::open(path);
  ASSERT_EQ(file.tensors().size(), 2u);
  float second[4];
  std::memcpy(second, file.find_tensor("second")->data.data(), sizeof second);
  EXPECT_EQ(second[0], 4);
  EXPECT_EQ(second[3], 7);

  GgufHead again = two_tensors();
  const std::vector<GgufEntry> copied = copy_metadata(file);
  ASSERT_EQ(copied.size(), again.entries.size());
  for (std::size_t i = 0; i < copied.size(); ++i) {
    EXPECT_EQ(copied[i].key, again.entries[i].key);
    EXPECT_EQ(copied[i].type, again.entries[i].type);
    EXPECT_EQ(copied[i].value, again.entries[i].value);
  }
}

TEST(GgufOutput, TakesAlongWhatAnEndedRunHasLeft) {
  const test::TempDir dir;
  const std::string path = dir.file("out.gguf");
  dir.write("out.gguf.new", "half");
  dir.write("out.gguf.new.journal", "of half");
  GgufOutput out(path, two_tensors());
  out.write(bytes_of({1, 2, 3, 4, 5, 6, 7}));
  out.commit();
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

TEST(OutputJournal, RemovesNoOthers) {
  const test::TempDir dir;
  const std::string journal = dir.file("out.gguf.new.journal");
  {
    OutputJournal own("sources\n");
    own.open(dir.file("out.gguf.new"), false);
    EXPECT_TRUE(std::filesystem::exists(journal));
    std::filesystem::rename(journal, dir.file("moved"));
    dir.write("out.gguf.new.journal", "another's");
  }
  EXPECT_TRUE(std::filesystem::exists(journal));
}

TEST(GgufOutput, RefusesMoreOrLessThanTheHeadAnnounced) {
  const test::TempDir dir;
  const std::string path = dir.file("out.gguf");
  {
    GgufOutput out(path, two_tensors());
    out.write(bytes_of({1, 2, 3, 4, 5, 6}));
    EXPECT_THROW(out.commit(), std::logic_error);
    EXPECT_THROW(out.write(bytes_of({7, 8})), std::logic_error);
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

}  // namespace
}  // namespace longhand
