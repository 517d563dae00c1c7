// The program as scripts see it: exit statuses, what goes to stdout and what to stderr.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

ProcessResult program(std::vector<std::string> arguments, const std::string& input = "") {
  arguments.insert(arguments.begin(), LONGHAND_PROGRAM);
  return run_process(arguments, input);
}

constexpr const char* kVerbs[] = {"chat",     "run",    "models", "info",       "tokenize",
                                  "template", "logits", "bench",  "perplexity", "passkey"};
const std::string kGuide = LONGHAND_GUIDE "/guide-q8_0.gguf";

TEST(Program, SaysItsVersion) {
  const ProcessResult result = program({"--version"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, testing::MatchesRegex("longhand [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST(Program, HelpNamesEveryVerb) {
  const ProcessResult result = program({"--help"});
  EXPECT_EQ(result.status, 0);
  for (const char* verb : kVerbs) EXPECT_THAT(result.out, HasSubstr(verb));
}

TEST(Program, EveryVerbHasHelp) {
  for (const char* verb : kVerbs) {
    for (const char* flag : {"-h", "--help"}) {
      const ProcessResult result = program({verb, flag});
      EXPECT_EQ(result.status, 0) << verb;
      EXPECT_THAT(result.out, AllOf(HasSubstr("Usage: longhand"), HasSubstr(verb)));
      EXPECT_THAT(result.err, IsEmpty());
    }
  }
}

TEST(Program, WrongUsageExitsWithTwoAndSaysWhereToLook) {
  const std::vector<std::vector<std::string>> wrong = {{},
                                                       {"nosuchverb"},
                                                       {"info"},
                                                       {"info", "a", "--nosuchflag"},
                                                       {"info", kGuide, "--tensor", "x"},
                                                       {"logits", kGuide},
                                                       {"bench", kGuide, "-r", "many"},
                                                       {"bench", kGuide, "-r", "0"},
                                                       {"chat", "-c", "-5"},
                                                       {"chat", "-ctk", "q3_k"},
                                                       {"run", kGuide, "-p", "a", "-bf", "b"},
                                                       {"chat", "--rope-scaling", "sideways"}};
  for (const auto& arguments : wrong) {
    const ProcessResult result = program(arguments);
    EXPECT_EQ(result.status, 2) << testing::PrintToString(arguments);
    EXPECT_THAT(result.err, HasSubstr("--help")) << testing::PrintToString(arguments);
    EXPECT_THAT(result.out, IsEmpty());
  }
}

TEST(Program, EveryVerbRefusesWhatIsNoModel) {
  const TempDir dir;
  const std::string path = dir.write("a b\x1b.gguf", "not a model at all, but long enough for a header");
  const std::string ids = dir.write("ids.json", "[1]");
  const std::vector<std::vector<std::string>> calls = {
      {"chat", path},   {"run", path, "-p", "x"},
      {"info", path},   {"logits", path, "--tokens", ids, "-o", dir.file("out")},
      {"bench", path},  {"perplexity", path, "-f", ids},
      {"passkey", path}};
  for (const auto& arguments : calls) {
    const ProcessResult result = program(arguments);
    EXPECT_EQ(result.status, 1) << arguments[0];
    EXPECT_THAT(result.err, AllOf(StartsWith("error: "), HasSubstr("\\x1b.gguf"), HasSubstr("[E_MAGIC]")))
        << arguments[0];
    EXPECT_THAT(result.out, IsEmpty());
  }
}

TEST(Program, StrangeFilesAreRefusedWithoutHanging) {
  const TempDir dir;
  ASSERT_EQ(::mkfifo(dir.file("fifo").c_str(), 0600), 0);
  for (const std::string& path : {dir.path().string(), dir.file("fifo"), std::string("/dev/zero"),
                                  dir.file("absent"), std::string(5000, 'x')}) {
    const ProcessResult result = program({"chat", "-m", path});
    EXPECT_EQ(result.status, 1) << path.substr(0, 40);
    EXPECT_THAT(result.err, HasSubstr("[E_IO]"));
    EXPECT_LE(result.err.size(), 520u);
  }
}

TEST(Program, AReaderThatLeavesEndsItQuietly) {
  const std::string command =
      std::string(LONGHAND_PROGRAM) + " info " + kGuide + " --json --array-elements 2000";
  const ProcessResult result =
      run_process({"/bin/bash", "-c", command + " | head -1; exit ${PIPESTATUS[0]}"});
  EXPECT_EQ(result.out, "{\n");
  EXPECT_THAT(result.err, IsEmpty());
  EXPECT_EQ(result.status, 128 + SIGPIPE);
}

}  // namespace
}  // namespace longhand::test
