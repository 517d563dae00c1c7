// A terminal that changes its size all the time, or goes away in the middle of a chat.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using testing::HasSubstr;

const std::string kTell = "The secret word is lantern.\n", kAsk = "What is the secret word?\n";

class TerminalFaults : public testing::Test {
 protected:
  Arguments program(Arguments flags = {}) const {
    flags.insert(flags.begin(), {LONGHAND_PROGRAM, "chat", "--commands", "--temp", "0"});
    return flags;
  }
  std::string told(const std::string& input, Arguments flags = {}) const {
    const ProcessResult result = run_process(program(std::move(flags)), input, environment_);
    EXPECT_EQ(result.status, 0) << result.err;
    return result.out;
  }
  static void say(TerminalProcess& chat, const std::string& line, const std::string& answer) {
    chat.type(line);
    ASSERT_TRUE(chat.expect(answer)) << chat.screen();
    ASSERT_TRUE(chat.expect("> ")) << chat.screen();
  }
  // A size of the i-th change.
  static void change_size(TerminalProcess& chat, int i) { chat.resize(i * 37 % 211, i * 13 % 61); }

  TempDir home_;
  Environment environment_{{"XDG_DATA_HOME", home_.file("data")},
                           {"XDG_STATE_HOME", home_.file("state")},
                           {"HOME", home_.path().string()},
                           {"LONGHAND_MODEL", ""},
                           {"LC_ALL", "C"}};
};

TEST_F(TerminalFaults, AThousandSizesWhileTyping) {
  TerminalProcess chat(program(), environment_);
  ASSERT_TRUE(chat.expect("> "));
  const std::string message = "What is the capital of Peru?";
  for (int i = 0; i < 1000; ++i) {
    change_size(chat, i);
    const auto next = std::size_t(i) / 32;
    if (i % 32 == 31 && next < message.size()) chat.type(message.substr(next, 1));
    chat.read_shown();  // or the program would wait for somebody to read
  }
  chat.resize(80, 24);
  chat.type("\n");
  EXPECT_TRUE(chat.expect("The capital of Peru is Lima.")) << chat.screen();
  ASSERT_TRUE(chat.expect("> "));
  EXPECT_EQ(chat.leave(), 0);
}

TEST_F(TerminalFaults, AThousandSizesWhileAnswering) {
  TerminalProcess chat(program({"--ignore-eos", "-n", "200"}), environment_);
  ASSERT_TRUE(chat.expect("> "));
  chat.type("Tell me a story.\n");
  ASSERT_TRUE(chat.expect("story.\r\n"));
  for (int i = 0; i < 1000; ++i) {
    change_size(chat, i);
    chat.read_shown();
  }
  EXPECT_TRUE(chat.expect("tokens/s")) << "SIGWINCH ends no answer: " << chat.screen();
  ASSERT_TRUE(chat.expect("> "));
  EXPECT_EQ(chat.leave(), 0);
}

// What the program does when its terminal is closed, and what of the chat is there afterwards.
class HungUp : public TerminalFaults {
 protected:
  void tell(TerminalProcess& chat) {
    ASSERT_TRUE(chat.expect("> "));
    say(chat, kTell, "tokens/s");
  }
  void expect_rescued(TerminalProcess& chat) {
    chat.hang_up();
    EXPECT_EQ(chat.wait(), 128 + SIGHUP) << chat.screen();
    EXPECT_THAT(told(kAsk, {"--continue"}), HasSubstr("antern"));
  }
};

TEST_F(HungUp, AtThePrompt) {
  TerminalProcess chat(program(), environment_);
  tell(chat);
  expect_rescued(chat);
}

TEST_F(HungUp, ThoughNothingWasToBeSaved) {
  TerminalProcess chat(program({"--no-autosave"}), environment_);
  tell(chat);
  chat.hang_up();
  EXPECT_EQ(chat.wait(), 128 + SIGHUP) << chat.screen();
  EXPECT_THAT(told("/load rescued\n" + kAsk), HasSubstr("antern"));
}

TEST_F(HungUp, WhileALineIsTyped) {
  TerminalProcess chat(program(), environment_);
  tell(chat);
  chat.type("half a mess");
  ASSERT_TRUE(chat.expect("mess"));
  expect_rescued(chat);
}

TEST_F(HungUp, InTheMiddleOfAPaste) {
  TerminalProcess chat(program(), environment_);
  tell(chat);
  chat.type("\x1b[200~a paste that never ends");
  expect_rescued(chat);
}

TEST_F(HungUp, WhileAQuestionWaitsForItsAnswer) {
  std::filesystem::create_directories(home_.file("data/longhand/chats"));
  home_.write("data/longhand/chats/talk.json", "something else");
  TerminalProcess chat(program(), environment_);
  tell(chat);
  chat.type("/save talk\n");
  ASSERT_TRUE(chat.expect("Replace it? [y/N] ")) << chat.screen();
  expect_rescued(chat);
}

TEST_F(HungUp, WhileAnAnswerIsWritten) {
  TerminalProcess chat(program({"--ignore-eos", "-c", "16384"}), environment_);
  ASSERT_TRUE(chat.expect("> "));
  chat.type(kTell);
  ASSERT_TRUE(chat.expect("Lantern it is.")) << chat.screen();
  chat.type("\x03");
  ASSERT_TRUE(chat.expect("the answer was stopped")) << chat.screen();
  ASSERT_TRUE(chat.expect("> "));
  chat.type("Tell me a story.\n");
  ASSERT_TRUE(chat.expect("story.\r\n"));
  ASSERT_TRUE(chat.expect(". ")) << chat.screen();
  expect_rescued(chat);
}

TEST_F(HungUp, WhileALongTextIsRead) {
  std::string text;
  while (text.size() < 200'000) text += "The quick brown fox jumps over the lazy dog. ";
  const std::string path = home_.write("book.txt", text);
  TerminalProcess chat(program({"-c", "131072", "-n", "16"}), environment_);
  tell(chat);
  say(chat, "/read " + path + "\n", "next message");
  chat.type("Sum it up.\n");
  ASSERT_TRUE(chat.expect("reading [")) << chat.screen();
  expect_rescued(chat);
}

TEST_F(HungUp, AChatWithANameIsUpToDate) {
  TerminalProcess chat(program(), environment_);
  ASSERT_TRUE(chat.expect("> "));
  say(chat, "/save talk\n", "saved as talk");
  say(chat, kTell, "tokens/s");
  chat.hang_up();
  EXPECT_EQ(chat.wait(), 128 + SIGHUP);
  EXPECT_THAT(told("/load talk\n" + kAsk), HasSubstr("antern"));
  EXPECT_FALSE(std::filesystem::exists(home_.file("data/longhand/chats/rescued.json")));
}

// A terminal may also be gone without anybody saying so: then it gives no more input and takes no output.
TEST_F(HungUp, WithoutASignal) {
  for (const bool answering : {false, true}) {
    Arguments arguments = program({"--ignore-eos", "-n", "400", "-c", "16384"});
    arguments.insert(arguments.begin(), {"/usr/bin/env", "--block-signal=HUP"});
    TerminalProcess chat(arguments, environment_);
    ASSERT_TRUE(chat.expect("> ")) << chat.screen();
    if (answering) {
      chat.type("Tell me a story.\n");
      ASSERT_TRUE(chat.expect("story.\r\n"));
      ASSERT_TRUE(chat.expect(". ")) << chat.screen();
    }
    chat.hang_up();
    EXPECT_EQ(chat.wait(), 0) << "the end of input: " << chat.screen();
  }
}

}  // namespace
}  // namespace longhand::test
