// Text as editors write it, and texts that never end.
#include "cli/terminal/text_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/terminal/output.h"
#include "tests/support/error_code.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace longhand::cli {
namespace {

using test::ProcessResult;
using test::TempDir;
using testing::HasSubstr;

const std::string kGuide = LONGHAND_GUIDE "/guide-q8_0.gguf", kMark = "\xEF\xBB\xBF";

TEST(PlainText, LosesItsMarkAndItsCarriageReturns) {
  EXPECT_EQ(plain_text(kMark + "a\r\nb\r\n"), "a\nb\n");
  EXPECT_EQ(plain_text("a\rb\r\r\nc\r"), "a\rb\r\nc\r");
  EXPECT_EQ(plain_text(kMark + kMark + "x" + kMark), kMark + "x" + kMark);
  EXPECT_EQ(plain_text("\xEF\xBB"), "\xEF\xBB");
  EXPECT_EQ(plain_text(""), "");
  EXPECT_EQ(plain_text(kMark), "");
  EXPECT_EQ(without_mark(kMark + "a\r\n"), "a\r\n");
}

TEST(ReadText, WhatNeverEndsIsRefusedAtTheLimit) {
  std::string message;
  EXPECT_EQ(test::code_of([] { read_text("/dev/zero"); }, &message), Errc::limit);
  EXPECT_THAT(message, HasSubstr("/dev/zero: text must have at most 64 MiB, and has more"));
}

TEST(ReadText, TheLimitIsTheLastSizeThatIsRead) {
  const TempDir dir;
  EXPECT_EQ(read_text(dir.write("most", std::string(kMaxTextBytes, 'a'))).size(), kMaxTextBytes);
  const std::string more = dir.write("more", std::string(kMaxTextBytes + 1, 'a'));
  EXPECT_EQ(test::code_of([&] { read_text(more); }), Errc::limit);
}

ProcessResult program(std::vector<std::string> arguments, const std::string& input = "") {
  arguments.insert(arguments.begin(), LONGHAND_PROGRAM);
  return test::run_process(arguments, input);
}

TEST(PlainText, IsWhatTheVerbsRead) {
  const TempDir dir;
  const std::string text = "What is the capital\nof Peru?\n",
                    typed = kMark + "What is the capital\r\nof Peru?\r\n";
  const auto written = [&](std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.end(), {"--temp", "0", "-n", "8"});
    const ProcessResult result = program(arguments, input);
    EXPECT_EQ(result.status, 0) << result.err;
    return result.out;
  };
  const std::string file = dir.write("plain", text), windows = dir.write("windows", typed);
  const std::string want = written({"run", kGuide, "-f", file});
  EXPECT_EQ(written({"run", kGuide, "-f", windows}), want);
  EXPECT_EQ(written({"run", kGuide}, typed), want);
  EXPECT_EQ(written({"run", kGuide, "-p", kMark + "What is"}), written({"run", kGuide, "-p", "What is"}));
  EXPECT_EQ(written({"chat", kGuide, "-f", windows}), written({"chat", kGuide, "-f", file}));
  EXPECT_EQ(written({"chat", kGuide, "--system-prompt-file", windows, "-p", "Hello"}),
            written({"chat", kGuide, "--system-prompt-file", file, "-p", "Hello"}));
}

TEST(ReadText, EndlessInputEndsTheProgram) {
  for (const char* flag : {"-f", "-bf"}) {
    const ProcessResult result = program({"run", kGuide, flag, "/dev/zero"});
    EXPECT_EQ(result.status, 1);
    EXPECT_THAT(result.err, HasSubstr("at most 64 MiB"));
  }
  const ProcessResult piped = test::run_process(
      {"/bin/sh", "-c", std::string("'" LONGHAND_PROGRAM "' run '") + kGuide + "' < /dev/zero"});
  EXPECT_EQ(piped.status, 1);
  EXPECT_THAT(piped.err, HasSubstr("stdin: text must have at most 64 MiB, and has more"));
}

}  // namespace
}  // namespace longhand::cli
