// Conversations with the model that comes with the program: through a pipe, and at a terminal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/golden.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string kGuide = LONGHAND_GUIDE "/guide-q8_0.gguf";
const std::string kStory = "Tell me a story.";

ProcessResult chat(std::vector<std::string> flags, const std::string& input) {
  flags.insert(flags.begin(), {LONGHAND_PROGRAM, "chat", "--commands", "--temp", "0"});
  return run_process(flags, input, {{"LONGHAND_MODEL", ""}});
}

TEST(ChatByPipe, AnswersAreAllThatReachesStdout) {
  const ProcessResult result = chat({}, "What is the capital of Peru?\n");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "The capital of Peru is Lima.\n");
}

TEST(ChatByPipe, KnownConversationsComeOutWordForWord) {
  const auto conversations = nlohmann::json::parse(read_text(LONGHAND_GUIDE "/greedy.json"));
  ASSERT_FALSE(conversations.empty());
  for (const auto& conversation : conversations) {
    std::string input, expected;
    for (const auto& turn : conversation["turns"]) {
      input += turn[0].get<std::string>() + "\n";
      expected += turn[1].get<std::string>() + "\n";
    }
    EXPECT_EQ(chat({}, input).out, expected);
  }
}

TEST(ChatByPipe, LineEndsAndByteOrderMarksAreNotPartOfTheMessage) {
  EXPECT_EQ(chat({}, "\xEF\xBB\xBFWhat is the capital of Peru?\r\n").out, "The capital of Peru is Lima.\n");
  EXPECT_EQ(chat({}, "What is the capital of Peru?").out, "The capital of Peru is Lima.\n");
}

TEST(ChatByPipe, EmptyInputIsNoConversation) {
  for (const char* input : {"", "\n", "  \n\n\t\n"}) {
    const ProcessResult result = chat({}, input);
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.out, IsEmpty());
  }
}

TEST(ChatByPipe, AnyBytesAreSurvived) {
  for (const std::string& input :
       {std::string("a\0b\n", 4), std::string("\xff\xfe\xed\xa0\x80\n"), std::string("\x1b[31m\n"),
        std::string("<|im_end|><|im_start|>system\n")}) {
    const ProcessResult result = chat({"-n", "8"}, input);
    EXPECT_EQ(result.status, 0) << result.err;
  }
}

TEST(ChatByPipe, CommandsWork) {
  const ProcessResult result =
      chat({},
           "The secret word is lantern.\n/undo\nWhat is the secret word?\n/nosuch\n/set temp 0.5\n"
           "/set temp warm\n/show\n/stats\n/help\n/exit\nnever read\n");
  EXPECT_EQ(result.status, 1) << "one of them failed";
  EXPECT_EQ(result.out, "Lantern it is. I will keep it in mind.\nYou have not told me yet.\n");
  EXPECT_THAT(result.err, AllOf(HasSubstr("no command /nosuch"), HasSubstr("'warm' is no number"),
                                HasSubstr("0.5"), HasSubstr("longhand guide"), HasSubstr("/retry")));
}

TEST(ChatByPipe, TextIsNeverACommandUnlessAskedFor) {
  for (const char* line : {"/exit", "/undo", "/nosuch", "/etc/fstab: what is it?"}) {
    const ProcessResult result =
        run_process({LONGHAND_PROGRAM, "chat", "--temp", "0", "-n", "4"},
                    std::string(line) + "\nWhat is the capital of Peru?\n", {{"LONGHAND_MODEL", ""}});
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 2) << line << ": " << result.out;
  }
}

TEST(ChatByPipe, OfProgramsEveryLineGetsOneEndOrError) {
  const ProcessResult result = run_process({LONGHAND_PROGRAM, "chat", "--json", "--temp", "0", "-n", "4"},
                                           "Hi\n\n/exit\n\"\"\"\n  \nHi\n", {{"LONGHAND_MODEL", ""}});
  int ends = 0, errors = 0, loading = 0;
  std::istringstream lines(result.out);
  for (std::string line; std::getline(lines, line);) {
    const auto event = nlohmann::json::parse(line);
    ends += event["event"] == "end" ? 1 : 0;
    errors += event["event"] == "error" ? 1 : 0;
    loading += event["event"] == "progress" && event["what"] == "loading" ? 1 : 0;
  }
  EXPECT_EQ(ends, 4) << result.out;
  EXPECT_EQ(errors, 2) << result.out;
  EXPECT_LE(loading, 2) << result.out;
}

TEST(ChatByPipe, CommandsOfOtherNames) {
  EXPECT_EQ(chat({}, "/bye\nnever read\n").out, "");
  EXPECT_THAT(chat({}, "/udno\n").err, HasSubstr("the nearest is /undo"));
}

TEST(ChatByPipe, EscapesOfThePromptAreReadUnlessForbidden) {
  const auto shown = [](Arguments flags) {
    flags.insert(flags.begin(), {LONGHAND_PROGRAM, "chat", "-p", "a\\nb", "--show-prompt", "-n", "1"});
    return run_process(flags, "", {{"LONGHAND_MODEL", ""}}).err;
  };
  EXPECT_THAT(shown({}), HasSubstr("a\nb"));
  EXPECT_THAT(shown({"--no-escape"}), HasSubstr("a\\nb"));
}

TEST(ChatByPipe, WhatCannotBeMeantIsRefused) {
  EXPECT_EQ(run_process({LONGHAND_PROGRAM, "chat", ""}, "Hi\n").status, 2) << "a model without a name";
  EXPECT_EQ(run_process({LONGHAND_PROGRAM, "chat", "--temp", "-3"}, "Hi\n").status, 2);
}

TEST(ChatByPipe, GoingBackTellsItsCostWhereMemoryLetsGo) {
  const std::string input = kStory + "\n" + kStory + "\n/retry\n/undo\n";
  EXPECT_THAT(chat({}, input).err, Not(HasSubstr("read again"))) << "everything is remembered";
  const ProcessResult vq =
      chat({"--attention", "vq", "--attention-window", "8", "--attention-checkpoints", "0"}, input);
  EXPECT_EQ(vq.status, 0) << vq.err;
  EXPECT_THAT(vq.err, HasSubstr("the last turn is forgotten; this memory has let go of"));
}

TEST(ChatByPipe, RetryAnswersTheSameAgain) {
  EXPECT_EQ(chat({}, "What is the capital of Peru?\n/retry\n").out,
            "The capital of Peru is Lima.\nThe capital of Peru is Lima.\n");
}

TEST(ChatByPipe, ThreeQuotesMakeOneMessageOfManyLines) {
  EXPECT_EQ(chat({}, "\"\"\"What is the capital\nof Peru?\"\"\"\n").out.find('\n') != std::string::npos,
            true);
  const ProcessResult one = chat({}, "\"\"\"What is the capital of Peru?\"\"\"\n");
  EXPECT_EQ(one.out, "The capital of Peru is Lima.\n");
}

TEST(ChatByPipe, FilesAreSentWithTheNextMessage) {
  const TempDir dir;
  const std::string path = dir.write("word.txt", "The secret word is lantern.");
  const ProcessResult result = chat({}, "/read " + path + "\nOk?\n/read /no/such/file\n");
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("will go with your next message"), HasSubstr("[E_IO]")));
}

TEST(ChatByPipe, AFileThatDoesNotFitIsDropped) {
  const TempDir dir;
  const std::string path = dir.write("big.txt", std::string(1 << 16, 'x'));
  const ProcessResult result = chat({}, "/read " + path + "\nToo much?\nWhat is the capital of Peru?\n");
  EXPECT_THAT(result.err, AllOf(HasSubstr("[E_CONTEXT_FULL]"), HasSubstr("which is dropped")));
  EXPECT_THAT(result.out, testing::EndsWith("The capital of Peru is Lima.\n"));
}

TEST(ChatByPipe, FlagsOfOtherEnginesAreAcceptedAndNamedOnce) {
  const ProcessResult result =
      chat({"-ngl", "99", "-fa", "on", "--no-mmap", "-ctk", "f32"}, "What is the capital of Peru?\n");
  EXPECT_EQ(result.out, "The capital of Peru is Lima.\n");
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("no effect here"), HasSubstr("--gpu-layers"), Not(HasSubstr("cache-type"))));
}

TEST(ChatByPipe, AnswersWithEveryCacheType) {
  for (const std::string type : {"f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "iq4_nl"}) {
    const ProcessResult result = chat({"-ctk", type, "-ctv", type}, "What is the capital of Peru?\n");
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.out, "The capital of Peru is Lima.\n") << type;
  }
  const ProcessResult wrong = chat({"-ctk", "bf17"}, "");
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("bf17"), HasSubstr("bf16")));
}

TEST(ChatByPipe, LeavesWhenToldTo) {
  const std::string command = std::string(LONGHAND_PROGRAM) +
                              " chat < <(exec sleep 30 2>/dev/null) & sleep 1; kill -TERM $!; wait $!";
  const ProcessResult result = run_process({"/bin/bash", "-c", command});
  EXPECT_EQ(result.status, 128 + SIGTERM) << result.err;
}

class ChatAtTerminal : public testing::Test {
 protected:
  TempDir home_;
  // No home with models in it: the program would ask which one.
  Environment environment_{{"XDG_STATE_HOME", home_.file("state")},
                           {"HOME", home_.path().string()},
                           {"LONGHAND_MODEL", ""},
                           {"LC_ALL", "C"}};
  TerminalProcess chat_{{LONGHAND_PROGRAM, "chat", "--temp", "0"}, environment_};
};

TEST_F(ChatAtTerminal, AnswersShowsItsSpeedAndLeavesAtTheEndOfInput) {
  ASSERT_TRUE(chat_.expect("> "));
  chat_.type("What is the capital of Peru?\n");
  EXPECT_TRUE(chat_.expect("The capital of Peru is Lima."));
  EXPECT_TRUE(chat_.expect("tokens/s"));
  EXPECT_TRUE(chat_.expect("> "));
  EXPECT_EQ(chat_.leave(), 0) << chat_.screen();
}

TEST_F(ChatAtTerminal, CtrlCTwiceAtAnEmptyPromptLeaves) {
  ASSERT_TRUE(chat_.expect("> "));
  chat_.type("\x03");
  ASSERT_TRUE(chat_.expect("Ctrl-C again"));
  ASSERT_TRUE(chat_.expect("> "));
  chat_.type("\x03");
  EXPECT_EQ(chat_.wait(), 130) << chat_.screen();
}

TEST_F(ChatAtTerminal, CtrlCDropsATypedLine) {
  ASSERT_TRUE(chat_.expect("> "));
  for (int i = 0; i < 3; ++i) {
    chat_.type("half a mess");
    ASSERT_TRUE(chat_.expect("mess"));  // Ctrl-C makes the system drop what is not read yet
    chat_.type("\x03");
    ASSERT_TRUE(chat_.expect("\n"));
    ASSERT_TRUE(chat_.expect("> ")) << chat_.screen();
  }
  chat_.type("What is the capital of Peru?\n");
  EXPECT_TRUE(chat_.expect("Lima.")) << chat_.screen();
}

TEST(ChatInterrupted, CtrlCStopsAnAnswerAndTheChatGoesOn) {
  const TempDir home;
  TerminalProcess process({LONGHAND_PROGRAM, "chat", "--temp", "0", "--ignore-eos", "-c", "16384"},
                          {{"HOME", home.path().string()}, {"LONGHAND_MODEL", ""}});
  ASSERT_TRUE(process.expect("> "));
  for (int i = 0; i < 2; ++i) {
    process.type(kStory + "\n");
    ASSERT_TRUE(process.expect("\n"));
    ASSERT_TRUE(process.expect(". ")) << process.screen();  // in the middle of an answer that never ends
    process.type("\x03");
    ASSERT_TRUE(process.expect("the answer was stopped")) << process.screen();
    ASSERT_TRUE(process.expect("> ")) << process.screen();
  }
  EXPECT_EQ(process.leave(), 0) << process.screen();
}

TEST(ChatInterrupted, CtrlCStopsALongPromptAndTheChatGoesOn) {
  const TempDir home;
  std::string text;
  while (text.size() < 200'000) text += "The quick brown fox jumps over the lazy dog. ";
  const std::string path = home.write("book.txt", text);
  TerminalProcess process({LONGHAND_PROGRAM, "chat", "--temp", "0", "-c", "131072", "-n", "16"},
                          {{"HOME", home.path().string()}, {"LONGHAND_MODEL", ""}});
  ASSERT_TRUE(process.expect("> "));
  process.type("/read " + path + "\n");
  ASSERT_TRUE(process.expect("next message"));
  process.type("Sum it up.\n");
  ASSERT_TRUE(process.expect("reading [")) << process.screen();
  process.type("\x03");
  ASSERT_TRUE(process.expect("stopped while reading", 2)) << process.screen();
  ASSERT_TRUE(process.expect("> "));
  process.type("/clear\n");
  ASSERT_TRUE(process.expect("starts anew"));
  process.type("What is the capital of Peru?\n");
  EXPECT_TRUE(process.expect("Lima.")) << process.screen();
  ASSERT_TRUE(process.expect("> "));
  EXPECT_EQ(process.leave(), 0);
}

TEST_F(ChatAtTerminal, ThreeQuotesTakeLinesUntilTheyCloseOrCtrlC) {
  ASSERT_TRUE(chat_.expect("> "));
  chat_.type("\"\"\"What is the capital\n");
  ASSERT_TRUE(chat_.expect("... "));
  chat_.type("\x03");
  ASSERT_TRUE(chat_.expect("> ")) << chat_.screen();
  chat_.type("\"\"\"\nWhat is the capital of Peru?\n\"\"\"\n");
  EXPECT_TRUE(chat_.expect("Lima.")) << chat_.screen();
}

TEST_F(ChatAtTerminal, AnAnswerIsNeverDrawnOver) {
  ASSERT_TRUE(chat_.expect("> "));
  chat_.type("What is the capital of Peru?\n");
  ASSERT_TRUE(chat_.expect("tokens/s"));
  const std::string& screen = chat_.screen();
  const auto answer = screen.find("The capital of Peru is");
  ASSERT_NE(answer, std::string::npos);
  EXPECT_EQ(screen.substr(answer).find("\r\x1b[K"), std::string::npos);
}

TEST_F(ChatAtTerminal, LinesAreEditedAndRemembered) {
  ASSERT_TRUE(chat_.expect("> "));
  chat_.type("/heXp\x02\x08l\n");  // left, delete before the cursor, insert
  EXPECT_TRUE(chat_.expect("Show this help")) << chat_.screen();
  ASSERT_TRUE(chat_.expect("> "));
  chat_.type("/exit\n");
  EXPECT_EQ(chat_.wait(), 0);
  struct stat status {};
  ASSERT_EQ(::stat(home_.file("state/longhand/history").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);

  TerminalProcess later({LONGHAND_PROGRAM, "chat"}, environment_);
  ASSERT_TRUE(later.expect("> "));
  later.type("\x10\x10");  // twice the previous line
  EXPECT_TRUE(later.expect("/help")) << later.screen();
}

TEST_F(ChatAtTerminal, APathIsAMessageAndAnUnknownCommandOneWithEnter) {
  ASSERT_TRUE(chat_.expect("> "));
  chat_.type("/etc/fstab: what is it?\n");
  EXPECT_TRUE(chat_.expect("tokens/s")) << chat_.screen();
  ASSERT_TRUE(chat_.expect("> "));
  chat_.type("/exitt\n");
  EXPECT_TRUE(chat_.expect("the nearest is /exit; Enter sends it")) << chat_.screen();
  ASSERT_TRUE(chat_.expect("> "));
  chat_.type("\n");
  EXPECT_TRUE(chat_.expect("tokens/s")) << chat_.screen();
  ASSERT_TRUE(chat_.expect("> "));
  chat_.type("/quit\n");
  EXPECT_EQ(chat_.wait(), 0);
}

TEST_F(ChatAtTerminal, TabCompletesCommands) {
  ASSERT_TRUE(chat_.expect("> "));
  chat_.type("/sta\t\n");
  EXPECT_TRUE(chat_.expect("answers")) << chat_.screen();
}

TEST_F(ChatAtTerminal, TypedUnicodeArrivesWhateverTheLocale) {
  ASSERT_TRUE(chat_.expect("> "));
  chat_.type("/system Gr\xc3\xbc\xc3\x9f \xe6\xbc\xa2\n");
  ASSERT_TRUE(chat_.expect("starts anew"));
  chat_.type("/system\n");
  ASSERT_TRUE(chat_.expect("/system"));
  EXPECT_TRUE(chat_.expect("Gr\xc3\xbc\xc3\x9f \xe6\xbc\xa2")) << chat_.screen();
}

TEST_F(ChatAtTerminal, PastedLinesAreOneMessage) {
  ASSERT_TRUE(chat_.expect("> "));
  chat_.type("/system \x1b[200~first\rsecond\rthird\x1b[201~!\r");
  EXPECT_TRUE(chat_.expect("[paste 1: 3 lines]")) << chat_.screen();
  ASSERT_TRUE(chat_.expect("starts anew")) << chat_.screen();
  chat_.type("/system\r");
  EXPECT_TRUE(chat_.expect("first\r\nsecond\r\nthird!")) << chat_.screen();
}

TEST_F(ChatAtTerminal, SurvivesResizing) {
  ASSERT_TRUE(chat_.expect("> "));
  for (int i = 0; i < 300; ++i) chat_.resize(i % 7 * 40, i % 5 * 10);
  chat_.resize(80, 24);
  chat_.type("What is the capital of Peru?\n");
  EXPECT_TRUE(chat_.expect("Lima.")) << chat_.screen();
}

TEST_F(ChatAtTerminal, LeavesWhenToldTo) {
  ASSERT_TRUE(chat_.expect("> "));
  chat_.signal(SIGTERM);
  EXPECT_EQ(chat_.wait(5), 128 + SIGTERM);
}

TEST(ChatWithoutColour, SendsNoEscapesWhereTheTerminalTakesNone) {
  const TempDir home;
  TerminalProcess process({LONGHAND_PROGRAM, "chat", "--temp", "0"},
                          {{"TERM", "dumb"}, {"HOME", home.path().string()}, {"LONGHAND_MODEL", ""}});
  ASSERT_TRUE(process.expect("> "));
  process.type("What is the capital of Peru?\n");
  EXPECT_TRUE(process.expect("tokens/s"));
  EXPECT_THAT(process.screen(), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace longhand::test
