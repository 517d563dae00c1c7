// `longhand chat --tools`: calls are shown, and their results taken.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST_F(ToolChatTest, BadToolsAreRefused) {
  dir_.write("tools.json", "[1]");
  EXPECT_EQ(chat({}, kQuestion + "\n").status, 1);
  dir_.write("tools.json", kTools);
  EXPECT_EQ(chat({"--tool-choice", "other"}, kQuestion + "\n").status, 1);
}

}  // namespace
}  // namespace longhand::test
