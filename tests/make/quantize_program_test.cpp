// The verbs quantize and imatrix as they are typed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/make/small_file.h"
#include "tests/support/process.h"
#include "tests/support/random_model.h"

namespace longhand::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

ProcessResult longhand(Arguments arguments) {
  arguments.insert(arguments.begin(), LONGHAND_PROGRAM);
  return run_process(arguments);
}

TEST(QuantizeVerb, ADryRunShowsAndWritesNothing) {
  const TempDir dir;
  const std::string in = write_file(dir, small_file());
  const ProcessResult shown = longhand({"quantize", in, "q4_0", "--dry-run", "--tensor-type", "attn_q=q5_1"});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("F32 -> Q5_1"));
  EXPECT_THAT(shown.out, HasSubstr("(32.00 bits per weight) -> "));
  const ProcessResult json = longhand({"quantize", in, dir.file("out.gguf"), "Q4_0", "--dry-run", "--json"});
  const auto report = nlohmann::json::parse(json.out);
  EXPECT_EQ(report["tensors"].size(), 7u);
  EXPECT_EQ(report["files"][0], dir.file("out.gguf"));
  EXPECT_EQ(longhand({"quantize", in, "--dry-run", "--target-bpw", "6"}).status, 0);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 1);
}

TEST(QuantizeVerb, TellsWhatIsMissing) {
  const TempDir dir;
  const std::string in = write_file(dir, small_file()), out = dir.file("out.gguf");
  constexpr int kUsage = 2;
  for (const Arguments& wrong : {Arguments{in},
                                 {in, out},
                                 {in, "--target-bpw", "4"},
                                 {in, out, "Q4_0", "--target-bpw", "4"},
                                 {in, out, "Q4_0", "--tensor-type", "attn"},
                                 {in, out, "--target-bpw", "4", "--pure"},
                                 {in, out, "Q4_0", "--target-size", "1G", "--target-bpw", "4"}}) {
    Arguments arguments{"quantize"};
    arguments.insert(arguments.end(), wrong.begin(), wrong.end());
    EXPECT_EQ(longhand(arguments).status, kUsage) << wrong.size();
  }
  EXPECT_EQ(longhand({"quantize", in, out, "Q4_X"}).status, 1);
  EXPECT_FALSE(fs::exists(out));
}

TEST(QuantizeVerb, CtrlCLeavesNothing) {
  const TempDir dir;
  GgufHead head;
  head.entries = {gguf_entry("general.architecture", std::string("large"))};
  head.tensors = {{"blk.0.ffn_up.weight", {1 << 14, 1 << 17}, F32::info.gguf, std::uint64_t{1} << 33}};
  const std::string in = dir.write("in.gguf", head.bytes()), out = dir.write("out.gguf", "old");
  fs::resize_file(in, head.bytes().size() + (std::uint64_t{1} << 33));
  TerminalProcess program({LONGHAND_PROGRAM, "quantize", in, out, "Q5_1"});
  if (!program.expect("quantizing")) {
    EXPECT_EQ(program.wait(), 1);
    GTEST_SKIP() << "SKIPPED, NOT TESTED: the disk has too little room";
  }
  program.type("\x03");
  EXPECT_EQ(program.wait(), 130);
  EXPECT_EQ(fs::file_size(out), 3u);
  EXPECT_FALSE(fs::exists(out + ".new"));
}

TEST(ImatrixVerb, MeasuresAndQuantizeReads) {
  const TempDir dir;
  const std::string model = dir.file("model.gguf"), matrix = dir.file("m.gguf"), out = dir.file("out.gguf");
  random_model({.arch = "llama"}).write(model);
  std::string text;
  for (int i = 0; i < 200; ++i) text += char('a' + i * i % 26);
  const ProcessResult made =
      longhand({"imatrix", model, "-f", dir.write("text.txt", text), "-o", matrix, "-c", "32", "-t", "1"});
  EXPECT_EQ(made.status, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("14 tensors"));
  const ProcessResult statistics = longhand({"imatrix", "--show-statistics", "--in-file", matrix});
  EXPECT_THAT(statistics.out, HasSubstr("blk.1.ffn_down.weight"));
  EXPECT_EQ(
      longhand({"imatrix", "--in-file", matrix, "--in-file", matrix, "-o", dir.file("sum.gguf")}).status, 0);
  EXPECT_EQ(longhand({"quantize", model, out, "Q4_0", "--imatrix", dir.file("sum.gguf")}).status, 0);
  const Gguf file = Gguf::open(out);
  EXPECT_EQ(number_of(file, "quantize.imatrix.entries_count"), 14);
  EXPECT_EQ(longhand({"run", out, "-p", "abc", "-n", "2", "-t", "1"}).status, 0);
  for (const char* flag : {"--resume", "--process-output", "--sensitivity"}) {
    EXPECT_EQ(longhand({"imatrix", "--in-file", matrix, "-o", dir.file("sum.gguf"), flag}).status, 2) << flag;
    EXPECT_EQ(longhand({"imatrix", "--show-statistics", "--in-file", matrix, flag}).status, 2) << flag;
  }
  EXPECT_EQ(longhand({"info", out, "--against", model, "--advise"}).status, 2);
  EXPECT_EQ(longhand({"info", out, "--against", model, "--tensor", "output.weight", "-o", matrix}).status, 2);
  EXPECT_EQ(longhand({"info", out, "--advise", "--tensor", "output.weight", "-o", matrix}).status, 2);
  random_model({.arch = "llama", .numbers = {{"embedding_length", 64}}}).write(dir.file("wide.gguf"));
  const ProcessResult compared = longhand({"info", dir.file("wide.gguf"), "--against", model});
  EXPECT_THAT(compared.out, HasSubstr("shapes [32, "));
  EXPECT_EQ(longhand({"imatrix", model}).status, 2);
  EXPECT_EQ(longhand({"imatrix", "-f", dir.file("text.txt")}).status, 2);
}

}  // namespace
}  // namespace longhand::test
