#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "ops/format.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/golden.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace longhand::test {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

ProcessResult info(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {LONGHAND_PROGRAM, "info"});
  return run_process(arguments);
}

class Info : public testing::Test {
 protected:
  std::string write(const GgufWriter& writer) {
    const std::string path = dir_.file("model.gguf");
    writer.write(path);
    return path;
  }
  TempDir dir_;
};

TEST_F(Info, ShowsFilesOfArchitecturesNobodyKnows) {
  GgufWriter writer;
  writer.add("general.architecture", "never-heard-of").add("never-heard-of.block_count", std::uint32_t{3});
  writer.tensor("a.weight", {2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
  const ProcessResult result = info({write(writer)});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("never-heard-of"), HasSubstr("a.weight"), HasSubstr("2 x 3"),
                                HasSubstr("F32")));
}

TEST_F(Info, JsonHasEveryKindOfValue) {
  GgufWriter writer;
  writer.add("general.architecture", "x").add("k.u8", std::uint8_t{255}).add("k.i64", std::int64_t{-5});
  writer.add("k.f32", 0.1f).add("k.yes", true).add("k.text", "a\x1b[31m\xff");
  writer.add_array("k.numbers", std::vector<std::int32_t>{1, -2, 3});
  writer.tensor("t", {4}, std::vector<float>{1, 2, 3, 4});
  const ProcessResult result = info({"-m", write(writer), "--json", "--array-elements", "2"});
  ASSERT_EQ(result.status, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  const auto& metadata = json["metadata"];
  EXPECT_EQ(metadata["k.u8"], 255);
  EXPECT_EQ(metadata["k.i64"], -5);
  EXPECT_EQ(metadata["k.f32"].dump(), "0.1");
  EXPECT_EQ(metadata["k.yes"], true);
  EXPECT_EQ(metadata["k.text"], "a\\x1b[31m\\xff");
  EXPECT_EQ(metadata["k.numbers"], nlohmann::json::parse(R"({"type": "i32", "count": 3, "first": [1, -2]})"));
  EXPECT_EQ(json["tensors"][0],
            nlohmann::json::parse(R"({"name": "t", "type": "F32", "dims": [4], "bytes": 16})"));
  EXPECT_EQ(json["parameters"], 4);
}

TEST_F(Info, NothingFromTheFileReachesTheTerminalAsAControl) {
  GgufWriter writer;
  writer.add("general.architecture", "x")
      .add("general.name", "evil\x1b]0;title\x07\r")
      .add("k.\xe2\x80\xae", "\xc2\x9b");
  const ProcessResult result = info({write(writer)});
  EXPECT_EQ(result.status, 0) << result.err;
  for (const char* control : {"\x1b", "\x07", "\r", "\xc2\x9b", "\xe2\x80\xae"}) {
    EXPECT_THAT(result.out, Not(HasSubstr(control)));
  }
}

TEST_F(Info, WritesATensorAsFloats) {
  GgufWriter writer;
  writer.add("general.architecture", "x").tensor("t", {2, 2}, std::vector<float>{1, -2, 0.5, 4});
  const std::string out = dir_.file("t.f32");
  const ProcessResult result = info({write(writer), "--tensor", "t", "-o", out});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(read_floats(out), (std::vector<float>{1, -2, 0.5, 4}));
}

TEST_F(Info, ATensorThatIsNotThereLeavesNoFile) {
  GgufWriter writer;
  writer.add("general.architecture", "x").tensor("t", {1}, std::vector<float>{1});
  const std::string out = dir_.file("t.f32");
  const ProcessResult result = info({write(writer), "--tensor", "u", "-o", out});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err,
              AllOf(StartsWith("error: "), HasSubstr("no tensor named 'u'"), EndsWith("[E_MISSING]\n")));
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST_F(Info, AFullDiskIsAnError) {
  GgufWriter writer;
  writer.add("general.architecture", "x").tensor("t", {1}, std::vector<float>{1});
  const ProcessResult result = info({write(writer), "--tensor", "t", "-o", "/dev/full"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, EndsWith("[E_IO]\n"));
  EXPECT_TRUE(std::filesystem::exists("/dev/full"));
}

TEST_F(Info, BrokenFilesAreErrorsOfOneLine) {
  const std::string path = dir_.write("no\nmodel.gguf", "GGUF");
  const ProcessResult result = info({path});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err,
              AllOf(StartsWith("error: "), HasSubstr("no\\nmodel.gguf"), EndsWith("[E_TRUNCATED]\n")));
}

TEST_F(Info, AdvisesOnLongTexts) {
  const std::string path = dir_.file("model.gguf");
  tiny_llama().write(path);
  const ProcessResult text = info({path, "--advise"});
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("reach"), HasSubstr("--rope-freq-base"), HasSubstr("--log-n")));
  const ProcessResult result = info({path, "--advise", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_GT(json["reach"], 1);
  EXPECT_EQ(json["gains"][0]["length"], json["trained"]);
}

TEST_F(Info, SaysInOneLineHowFarPositionsCarry) {
  const std::string path = dir_.file("model.gguf");
  tiny_llama().write(path);
  const auto advice = nlohmann::json::parse(info({path, "--advise", "--json"}).out);
  const ProcessResult result = info({path});
  EXPECT_EQ(result.status, 0) << result.err;
  const std::string reach = advice["reach_is_limit"] ? "at least " : "";
  EXPECT_THAT(result.out, HasSubstr("\nreach         " + reach + advice["reach"].dump() + " tokens"));
  GgufWriter unknown;
  unknown.add("general.architecture", "never-heard-of");
  EXPECT_THAT(info({write(unknown)}).out, Not(HasSubstr("reach")));
}

TEST_F(Info, AdviceNeedsAModelThatRuns) {
  GgufWriter writer;
  writer.add("general.architecture", "never-heard-of");
  const ProcessResult result = info({write(writer), "--advise"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, EndsWith("[E_UNSUPPORTED]\n"));
}

TEST_F(Info, TensorsOfEveryTypeDecodeExactlyOrAreRefused) {
  const std::string list = golden("quants/meta.json");
  LONGHAND_NEED_GOLDEN(list);
  const std::string folder = std::filesystem::path(list).parent_path();
  int decoded = 0;
  const nlohmann::json types = nlohmann::json::parse(read_text(list));
  for (const auto& [name, type] : types.items()) {
    if (!type.is_object() || !type.contains("ggml_type")) continue;
    const auto id = type["ggml_type"].get<std::uint32_t>();
    const auto block = type["block_elements"].get<std::uint64_t>();
    const std::vector<float> truth = read_floats(folder + "/" + name + ".f32");
    GgufWriter writer;
    writer.add("general.architecture", "x");
    writer.tensor("t", {block, truth.size() / block}, id, read_text(folder + "/" + name + ".bin"));
    const std::string out = dir_.file(name + ".f32");
    const ProcessResult result = info({write(writer), "--tensor", "t", "-o", out});
    if (find_format(id) < 0) {
      EXPECT_EQ(result.status, 1) << name;
      EXPECT_THAT(result.err, EndsWith("[E_UNSUPPORTED]\n")) << name;
      continue;
    }
    EXPECT_EQ(result.status, 0) << name << result.err;
    EXPECT_EQ(read_text(out), read_text(folder + "/" + name + ".f32")) << name;
    ++decoded;
  }
  EXPECT_GT(decoded, 10);
}

}  // namespace
}  // namespace longhand::test
