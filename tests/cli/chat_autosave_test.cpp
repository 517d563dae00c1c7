// Chats that nobody had to save, and chats that go on: another day, with another model, in another line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kGuide = LONGHAND_GUIDE "/guide-q8_0.gguf";
const std::string kTell = "The secret word is lantern.\n", kAsk = "What is the secret word?\n";

class Autosave : public testing::Test {
 protected:
  // Says something at a terminal and leaves.
  void talk(const std::vector<std::string>& lines, Arguments flags = {}) {
    flags.insert(flags.begin(), {LONGHAND_PROGRAM, "chat", "--temp", "0"});
    TerminalProcess process(flags, environment_);
    ASSERT_TRUE(process.expect("> "));
    for (const std::string& line : lines) {
      process.type(line);
      ASSERT_TRUE(process.expect("\n"));
      ASSERT_TRUE(process.expect("> ")) << process.screen();
    }
    EXPECT_EQ(process.leave(), 0) << process.screen();
  }
  ProcessResult pipe(const std::string& input, Arguments flags = {}) {
    flags.insert(flags.begin(), {LONGHAND_PROGRAM, "chat", "--commands", "--temp", "0"});
    return run_process(flags, input, environment_);
  }
  std::vector<std::string> files(const std::string& ending) const {
    std::vector<std::string> out;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(home_.file("data/longhand/chats"), ignored))
      if (entry.path().extension() == ending) out.push_back(entry.path().stem().string());
    return out;
  }

  TempDir home_;
  Environment environment_{{"XDG_DATA_HOME", home_.file("data")},
                           {"XDG_STATE_HOME", home_.file("state")},
                           {"HOME", home_.path().string()},
                           {"LONGHAND_MODEL", ""}};
};

TEST_F(Autosave, AChatAtATerminalGoesOnTheNextDay) {
  talk({kTell});
  ASSERT_EQ(files(".json").size(), 1u);
  const ProcessResult later = pipe(kAsk, {"--continue"});
  EXPECT_EQ(later.status, 0) << later.err;
  EXPECT_THAT(later.out, HasSubstr("antern"));
  const std::string listed = pipe("/chats\n").err;
  EXPECT_THAT(listed,
              AllOf(HasSubstr("The secret word is lantern."), HasSubstr("just now"), HasSubstr("2 turns")));
  EXPECT_THAT(pipe(kAsk, {"--continue", files(".json").front()}).out, HasSubstr("antern"));
  EXPECT_EQ(pipe(kAsk, {"--continue", "nosuch"}).status, 1);
}

TEST_F(Autosave, NothingIsKeptWhereNobodyWantsIt) {
  talk({kTell}, {"--no-autosave"});
  pipe(kTell);
  talk({"/show\n"});
  EXPECT_TRUE(files(".json").empty()) << "neither of a pipe, nor of a chat without a word";
}

TEST_F(Autosave, AHangUpRescuesAChatThatWasNotKept) {
  TerminalProcess process({LONGHAND_PROGRAM, "chat", "--temp", "0", "--no-autosave"}, environment_);
  ASSERT_TRUE(process.expect("> "));
  process.type(kTell);
  ASSERT_TRUE(process.expect("tokens/s"));
  ASSERT_TRUE(process.expect("> "));
  process.signal(SIGHUP);
  EXPECT_EQ(process.wait(5), 128 + SIGHUP);
  EXPECT_THAT(pipe("/load rescued\n" + kAsk).out, HasSubstr("antern"));
}

TEST_F(Autosave, ANameTakesThePlaceOfTheOneThatWasMadeUp) {
  talk({kTell, "/save talk\n"});
  EXPECT_EQ(files(".json"), std::vector<std::string>{"talk"});
}

TEST_F(Autosave, OfChatsThatNobodyNamedTheLastAloneHasACache) {
  std::string long_text;
  for (int i = 0; i < 12; ++i) long_text += "The secret word is lantern. ";
  for (int i = 0; i < 2; ++i) talk({long_text + "\n"});
  EXPECT_EQ(files(".json").size(), 2u);
  EXPECT_EQ(files(".cache").size(), 1u);
}

TEST_F(Autosave, AnotherModelGoesOnWithTheSameConversation) {
  const std::string other = home_.file("other.gguf");
  fs::copy_file(kGuide, other);
  const ProcessResult result = pipe(kTell + "/model " + other + "\n" + kAsk + "/model /no/such/model\n");
  EXPECT_EQ(result.status, 1) << "the last one is not there";
  EXPECT_THAT(result.err, AllOf(HasSubstr("goes on where"), HasSubstr("there is no model '/no/such/model'")));
  EXPECT_EQ(result.out, pipe(kTell + kAsk).out) << "word for word as with one model";
}

TEST_F(Autosave, ALineGoesOnBehindABackslashAndAltEnter) {
  TerminalProcess process({LONGHAND_PROGRAM, "chat", "--temp", "0"}, environment_);
  ASSERT_TRUE(process.expect("> "));
  process.type("/system first\\\n");
  ASSERT_TRUE(process.expect("... ")) << process.screen();
  process.type("second\x1b\r");
  ASSERT_TRUE(process.expect("... ")) << process.screen();
  process.type("third\n");
  ASSERT_TRUE(process.expect("starts anew")) << process.screen();
  process.type("/system\n");
  EXPECT_TRUE(process.expect("first\r\nsecond\r\nthird")) << process.screen();
}

TEST_F(Autosave, TheSeedThatWasDrawnIsTold) {
  EXPECT_THAT(pipe("/set seed\n").err, HasSubstr("-1 (drawn: "));
  const ProcessResult json = pipe("Hi\n", {"--json", "--temp", "1"});
  const auto at = json.out.find("{\"event\":\"ready\"");
  ASSERT_NE(at, std::string::npos) << json.out;
  const auto ready = nlohmann::json::parse(json.out.substr(at, json.out.find('\n', at) - at));
  const std::string seed = ready["seed"].dump();
  const auto said = [&](const std::string& out) {
    std::string text;
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line);) {
      const auto event = nlohmann::json::parse(line);
      if (event["event"] == "text") text += event["text"];
    }
    return text;
  };
  EXPECT_EQ(said(pipe("Hi\n", {"--json", "--temp", "1", "--seed", seed}).out), said(json.out));
}

TEST_F(Autosave, TemplatesAndTheirVariablesAreChosen) {
  const std::string written = "{% for m in messages %}[{{ m.content }}]{% endfor %}{{ extra }}";
  const Arguments shown = {"--show-prompt", "-n", "1", "-p", "hello"};
  const auto told = [&](Arguments flags) {
    flags.insert(flags.end(), shown.begin(), shown.end());
    return pipe("", flags);
  };
  EXPECT_THAT(told({"--chat-template", written, "--chat-template-kwargs", R"({"extra": "!?"})"}).err,
              HasSubstr("[hello]!?"));
  EXPECT_THAT(told({"--chat-template-file", home_.write("t.jinja", written)}).err, HasSubstr("[hello]"));
  EXPECT_EQ(told({"--chat-template", "llama2"}).status, 2);
  EXPECT_EQ(told({"--chat-template-kwargs", "not json"}).status, 1);
}

}  // namespace
}  // namespace longhand::test
