// Chats that outgrow their context.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/process.h"

namespace longhand::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

ProcessResult chat(std::vector<std::string> flags, const std::string& input) {
  flags.insert(flags.begin(), {LONGHAND_PROGRAM, "chat", "--temp", "0"});
  return run_process(flags, input, {{"LONGHAND_MODEL", ""}});
}

TEST(ChatContext, AMessageLargerThanTheContextIsRefusedAndTheChatGoesOn) {
  const ProcessResult result = chat({}, std::string(1 << 20, 'x') + "\nWhat is the capital of Peru?\n");
  EXPECT_THAT(result.err, HasSubstr("[E_CONTEXT_FULL]"));
  EXPECT_THAT(result.out, testing::EndsWith("The capital of Peru is Lima.\n"));
  EXPECT_EQ(result.status, 1) << "a script has to notice";
}

TEST(ChatContext, AFullContextForgetsTheOldestTurnsAndSaysSo) {
  std::string input;
  for (int i = 0; i < 12; ++i) input += "What is the capital of Peru?\n";
  const ProcessResult result = chat({"-c", "128"}, input);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("the context is full: the model no longer sees the oldest"));
  std::string expected;
  for (int i = 0; i < 12; ++i) expected += "The capital of Peru is Lima.\n";
  EXPECT_EQ(result.out, expected);
}

TEST(ChatContext, ATextThatIsTooLongIsNamedOnce) {
  std::string input;
  for (int i = 0; i < 3; ++i) input += std::string(1800, 'x') + "\n";
  Arguments flags = {"-c", "8192", "-n", "8", "--rope-freq-base", "100"};
  const std::string told = chat(flags, input).err;
  EXPECT_THAT(
      told, AllOf(HasSubstr("the text is longer than the 2048 tokens"), HasSubstr("-c 8192 --attention vq")));
  EXPECT_EQ(told.find("is longer than"), told.rfind("is longer than"));
  flags.insert(flags.end(), {"--attention", "rerope"});
  EXPECT_THAT(chat(flags, input).err, Not(HasSubstr("is longer than")));
}

// The events that end the answers to much the same question, asked again and again.
std::vector<nlohmann::json> ends_of_a_long_chat(Arguments flags, int turns) {
  std::string input;
  for (int i = 0; i < turns; ++i) input += std::to_string(i) + ". What is the capital of Peru?\n";
  flags.insert(flags.begin(), {LONGHAND_PROGRAM, "chat", "--json", "--temp", "0"});
  const ProcessResult result = run_process(flags, input, {{"LONGHAND_MODEL", ""}});
  std::istringstream lines(result.out);
  std::vector<nlohmann::json> ends;
  for (std::string line; std::getline(lines, line);) {
    auto event = nlohmann::json::parse(line);
    if (event["event"] == "end") ends.push_back(std::move(event));
  }
  return ends;
}

TEST(ChatContext, AFullContextIsMovedAndNothingIsReadTwice) {
  int drops = 0;
  for (const auto& end : ends_of_a_long_chat({"-c", "512"}, 60)) {
    drops += end["dropped_turns"] > 0 ? 1 : 0;
    EXPECT_LT(end["read_tokens"], 40) << end;
    EXPECT_EQ(end["moved_tokens"] > 0, end["dropped_turns"] > 0) << end;
  }
  EXPECT_GE(drops, 1);
}

TEST(ChatContext, AFullContextIsReadAgainNowAndThenOnly) {
  for (const Arguments& flags : {Arguments{"-c", "512", "--context-shift", "off"},
                                 {"-c", "512", "--no-context-shift"},
                                 {"-c", "512", "-ctk", "q8_0"}}) {
    int drops = 0;
    for (const auto& end : ends_of_a_long_chat(flags, 60)) {
      if (end["dropped_turns"] > 0) {
        ++drops;
        EXPECT_GT(end["read_tokens"], 40) << end;
      } else {
        EXPECT_LT(end["read_tokens"], 40) << end;
      }
    }
    EXPECT_GE(drops, 1);
    EXPECT_LE(drops, 12);
  }
}

}  // namespace
}  // namespace longhand::test
