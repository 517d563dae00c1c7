// run --lookup and -md: the same text, and clear refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/flags/speculation_flags.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace longhand::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const std::string kGuide = LONGHAND_GUIDE "/guide-q8_0.gguf";

ProcessResult run(std::vector<std::string> flags) {
  flags.insert(flags.begin(), {LONGHAND_PROGRAM, "run", kGuide, "-p",
                               "one two three four five six seven one two three four five six seven one two",
                               "-n", "40", "-s", "5"});
  return run_process(flags);
}

TEST(SpeculationFlags, TheTextIsTheSame) {
  for (const std::string temperature : {"0", "0.9"}) {
    const ProcessResult plain = run({"--temp", temperature});
    EXPECT_EQ(plain.status, 0) << plain.err;
    EXPECT_THAT(plain.out, Not(IsEmpty()));
    for (const Arguments& flags :
         {Arguments{"--lookup"}, {"--lookup", "--draft", "3"}, {"-md", kGuide}, {"--model-draft", kGuide}}) {
      Arguments all = {"--temp", temperature};
      all.insert(all.end(), flags.begin(), flags.end());
      const ProcessResult guessed = run(all);
      EXPECT_EQ(guessed.status, 0) << guessed.err;
      EXPECT_EQ(guessed.out, plain.out) << testing::PrintToString(flags);
      EXPECT_EQ(guessed.err, plain.err);
    }
  }
}

// Several turns, some of them taken back or answered again: never another word than without guesses.
TEST(SpeculationFlags, ChatsAreTheSame) {
  const std::string story =
      "Tell me a story.\nTell me a story.\n/undo\nWhat is the capital of Peru?\n/retry\n"
      "Tell me a story.\n";
  const auto chat = [&](Arguments flags) {
    flags.insert(flags.begin(),
                 {LONGHAND_PROGRAM, "chat", kGuide, "-s", "5", "-n", "60", "-ctk", "f32", "-ctv", "f32"});
    return run_process(flags, story);
  };
  for (const Arguments& memory : {Arguments{"--temp", "0"},
                                  {"--temp", "0.9"},
                                  {"-c", "200", "--temp", "0.9"},
                                  {"--attention", "vq", "--attention-window", "16", "--temp", "0.9"}}) {
    const ProcessResult plain = chat(memory);
    EXPECT_EQ(plain.status, 0) << plain.err;
    EXPECT_THAT(plain.out, Not(IsEmpty()));
    for (const Arguments& flags : {Arguments{"--lookup"}, {"-md", kGuide, "--draft", "4"}}) {
      Arguments all = memory;
      all.insert(all.end(), flags.begin(), flags.end());
      const ProcessResult guessed = chat(all);
      EXPECT_EQ(guessed.status, 0) << guessed.err;
      EXPECT_EQ(guessed.out, plain.out) << testing::PrintToString(all);
    }
  }
}

TEST(SpeculationFlags, ChatCanBeStoppedWhileItGuesses) {
  TerminalProcess chat(
      {LONGHAND_PROGRAM, "chat", kGuide, "--lookup", "--ignore-eos", "-c", "4096", "--temp", "0"});
  ASSERT_TRUE(chat.expect("> "));
  chat.type("Tell me a story.\n");
  ASSERT_TRUE(chat.expect(". ")) << chat.screen();
  chat.type("\x03");
  ASSERT_TRUE(chat.expect("the answer was stopped")) << chat.screen();
  ASSERT_TRUE(chat.expect("> ")) << chat.screen();
  EXPECT_EQ(chat.leave(), 0) << chat.screen();
}

TEST(SpeculationFlags, ANumberWithoutAnythingToGuessFromIsRefused) {
  const ProcessResult result = run({"--draft", "5"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr("--draft"), HasSubstr("--lookup, --model-draft or --mtp")));
}

TEST(SpeculationFlags, AForeignVocabularyIsRefusedInOneLine) {
  const TempDir dir;
  tiny_llama().write(dir.file("tiny.gguf"));
  const ProcessResult result = run({"-md", dir.file("tiny.gguf")});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_THAT(result.err, AllOf(StartsWith("error: the draft model has another vocabulary"),
                                HasSubstr("[E_UNSUPPORTED]")));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1);
}

TEST(SpeculationFlags, WrongUsage) {
  for (const Arguments& flags : {Arguments{"--lookup", "-md", kGuide}, {"--draft", "64"}, {"--draft", "-1"}})
    EXPECT_EQ(run(flags).status, 2) << testing::PrintToString(flags);
  EXPECT_EQ(run({"-md", "no such file"}).status, 1);
}

TEST(SpeculationFlags, GuessesAreTold) {
  GenerateResult result;
  EXPECT_EQ(cli::describe_guesses(result), "");
  result.guesses = 60;
  result.right_guesses = 41;
  EXPECT_EQ(cli::describe_guesses(result), "; 41 of 60 guesses right");
}

}  // namespace
}  // namespace longhand::test
