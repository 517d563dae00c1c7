// `longhand chat --tools`: calls are shown, and their results taken.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

const std::string kQuestion = "What is the capital of Peru?";
const char* const kTools =
    R"([{"type": "function", "function": {"name": "find_capital", "description": "Finds it.",
  "parameters": {"type": "object", "properties": {"country": {"enum": ["Peru", "Chad"]}}, "required": ["country"]}}}])";

std::string read_file(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

class ToolChatTest : public testing::Test {
 protected:
  ToolChatTest() : file_(dir_.write("tools.json", kTools)) {}
  ProcessResult chat(std::vector<std::string> more, const std::string& input) const {
    std::vector<std::string> arguments = {LONGHAND_PROGRAM, "chat", "--tools", file_, "--temp", "0"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_process(arguments, input, {{"LONGHAND_MODEL", ""}});
  }
  static std::vector<json> events(const std::string& output, const std::string& name) {
    std::vector<json> out;
    std::istringstream lines(output);
    for (std::string line; std::getline(lines, line);) {
      json event = json::parse(line);
      if (event["event"] == name) out.push_back(event);
    }
    return out;
  }

  TempDir dir_;
  std::string file_;
};

TEST_F(ToolChatTest, CallsAreEventsThatWaitForTheirResults) {
  const ProcessResult result = chat({"--json", "--tool-choice", "required"},
                                    kQuestion + "\n" + R"({"content": {"capital": "Lima"}})" + "\n");
  EXPECT_EQ(result.status, 0) << result.err;
  const auto calls = events(result.out, "tool_call");
  ASSERT_FALSE(calls.empty()) << result.out;
  EXPECT_EQ(calls[0]["name"], "find_capital");
  EXPECT_TRUE(calls[0]["arguments"]["country"] == "Peru" || calls[0]["arguments"]["country"] == "Chad");
  EXPECT_EQ(calls[0]["id"].get<std::string>().size(), 9U);
}

TEST_F(ToolChatTest, ResultsOfNoCallAndBrokenOnesAreErrors) {
  for (const char* const bad :
       {"Lima", R"({"tool_call_id": "nobody", "content": "Lima"})", R"({"capital": "Lima"})"}) {
    const ProcessResult result =
        chat({"--json", "--tool-choice", "find_capital"}, kQuestion + "\n" + bad + "\n");
    EXPECT_EQ(result.status, 1) << result.out;
    EXPECT_EQ(events(result.out, "error").size(), 1U) << result.out;
  }
}

TEST_F(ToolChatTest, APersonSeesTheCall) {
  const ProcessResult result = chat({"--tool-choice", "required"}, kQuestion + "\nLima\n");
  EXPECT_THAT(result.err, AllOf(HasSubstr("the model calls find_capital("), HasSubstr("\"country\"")));
}

// Commands work as in any chat, and a turn with its calls and results is saved and goes on.
TEST_F(ToolChatTest, CallsAreSavedWithTheChat) {
  const Environment home = {{"LONGHAND_MODEL", ""}, {"XDG_DATA_HOME", dir_.file("data")}};
  const auto commands = [&](std::vector<std::string> more, const std::string& input) {
    std::vector<std::string> arguments = {LONGHAND_PROGRAM, "chat", "--commands", "--temp", "0"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_process(arguments, input, home);
  };
  const ProcessResult first = commands(
      {"--tools", file_, "--tool-choice", "required"},
      "/save first\n" + kQuestion + "\nIt is Lima.\n/tools\n/tools off\n/tools\n" + kQuestion + "\n");
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_THAT(first.err,
              AllOf(HasSubstr("the model calls find_capital("), HasSubstr("find_capital           Finds it."),
                    HasSubstr("may call no functions")));
  const std::string saved = read_file(dir_.file("data/longhand/chats/first.json"));
  EXPECT_THAT(saved, AllOf(HasSubstr("\"steps\""), HasSubstr("It is Lima."), HasSubstr("find_capital")));
  const ProcessResult second = commands({"--continue", "first", "--show-prompt"}, "Thanks.\n/undo\n");
  EXPECT_EQ(second.status, 0) << second.err;
  EXPECT_THAT(second.err, AllOf(HasSubstr("2 turns"), HasSubstr("It is Lima."), HasSubstr("find_capital")));
}

TEST_F(ToolChatTest, WithoutAResultTheMessageIsTakenBack) {
  const ProcessResult result = chat({"--commands", "--tool-choice", "required"}, kQuestion + "\n");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("the message is not part of the conversation"));
}

TEST_F(ToolChatTest, FunctionsOfAnotherFileTakeOver) {
  const std::string other = dir_.write("other.json", R"([{"name": "add", "description": "Adds."}])");
  const ProcessResult result =
      chat({"--commands"}, "/tools " + other + "\n/tools missing.json\n/set threads 1\n/tools\n");
  EXPECT_THAT(result.err, AllOf(HasSubstr("add"), HasSubstr("Adds."), HasSubstr("missing.json")));
  EXPECT_EQ(result.err.find("find_capital"), std::string::npos);
}

TEST_F(ToolChatTest, BadToolsAreRefused) {
  dir_.write("tools.json", "[1]");
  EXPECT_EQ(chat({}, kQuestion + "\n").status, 1);
  dir_.write("tools.json", kTools);
  EXPECT_EQ(chat({"--tool-choice", "other"}, kQuestion + "\n").status, 1);
}

}  // namespace
}  // namespace longhand::test
