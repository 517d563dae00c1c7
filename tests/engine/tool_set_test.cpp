// The public ToolSet and AnswerParser: with a model of random weights, whatever it draws.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/chat/tools/tool_list.h"
#include "engine/longhand.h"
#include "engine/sampling/schema/schema_set.h"
#include "tests/support/error_code.h"
#include "tests/support/tiny_session.h"
#include "tests/support/tool_templates.h"

namespace longhand {
namespace {

using test::tiny;
using testing::HasSubstr;

// Every text ends by itself, so that a model of random weights comes to an end.
const char* const kTools = R"([
  {"type": "function", "function": {"name": "look_up", "description": "Looks up a word.", "parameters": {
     "type": "object", "properties": {"word": {"type": "string", "maxLength": 6}, "deep": {"type": "boolean"},
     "kind": {"enum": ["noun", "verb", null]}, "near": {"type": "array", "maxItems": 2, "items": {"type":
     "object", "properties": {"at": {"type": "integer", "minimum": -5, "maximum": 50}}, "required": ["at"]}},
     "either": {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]}}, "required": ["word", "near"]}}},
  {"type": "function", "function": {"name": "now"}}])";

ChatTemplate written_as(const std::string& text) { return ChatTemplate(tiny(), {.text = text, .now = ""}); }

const std::vector<ChatMessage>& question() {
  static const std::vector<ChatMessage> kQuestion = {{"user", "Which word?"}};
  return kQuestion;
}

bool satisfies(const ToolCall& call, const std::vector<Tool>& tools) {
  for (const Tool& tool : tools) {
    if (tool.name != call.name) continue;
    SchemaSet schemas(tool.parameters, true);
    return schemas.satisfies(Json::parse(call.arguments), Schemas{schemas.root()});
  }
  return false;
}

struct Answer {
  GenerateResult result;
  AnswerParser parser;
};
Answer answer(const ToolSet& tools, std::uint32_t seed, int most = 400) {
  const ToolPrompt prompt = tools.prompt(question());
  SamplerOptions how;
  how.seed = seed;
  how.temperature = 1.5f;
  tools.constrain(how, prompt);
  Sampler sampler(tiny(), how);
  Session session(tiny(), {.context = 4096});
  Answer out{{}, tools.parser(prompt)};
  GenerateOptions options;
  options.max_tokens = most;
  options.written_out = tools.written_out();
  out.result = generate(session, prompt.tokens, sampler, options, [&](std::string_view text) {
    (void)out.parser.push(text);
    return true;
  });
  (void)out.parser.finish();
  return out;
}

TEST(ToolSet, RecognisesTheFormOfEachFamily) {
  for (const test::ToolTemplate& one : test::tool_templates()) {
    SCOPED_TRACE(one.form + ": " + one.text);
    const ChatTemplate written = written_as(one.text);
    ASSERT_FALSE(written.is_fallback());
    const ToolSet tools(written, kTools);
    EXPECT_EQ(tools.form(), one.form);
    EXPECT_EQ(tools.in_template(), one.shows_tools);
    EXPECT_TRUE(tools.notes().empty());
    EXPECT_THAT(tools.render(question()), HasSubstr("Looks up a word."));
  }
}

TEST(ToolSet, ARequiredCallAlwaysParsesAndSatisfiesItsSchema) {
  const std::vector<Tool> list = read_tools(kTools);
  int ended = 0, all = 0;
  for (const test::ToolTemplate& one : test::tool_templates()) {
    SCOPED_TRACE(one.form + ": " + one.text);
    const ToolSet tools(written_as(one.text), kTools,
                        {.choice = ToolChoice::required, .name = "", .parallel = false});
    for (std::uint32_t seed = 1; seed <= 6; ++seed) {
      const Answer a = answer(tools, seed);
      ++all;
      if (a.result.reason != StopReason::end_of_generation) continue;
      ++ended;
      ASSERT_EQ(a.parser.calls().size(), 1U) << a.result.text;
      EXPECT_TRUE(a.parser.calls()[0].whole) << a.result.text;
      EXPECT_TRUE(satisfies(a.parser.calls()[0], list)) << a.result.text << "\n"
                                                        << a.parser.calls()[0].arguments;
      EXPECT_EQ(a.parser.content(), "") << a.result.text;
    }
  }
  EXPECT_GT(ended * 2, all);
}

TEST(ToolSet, ANamedFunctionIsTheOneThatIsCalled) {
  const ToolSet tools(written_as(test::tool_templates()[0].text), kTools,
                      {.choice = ToolChoice::required, .name = "now", .parallel = true});
  const Answer a = answer(tools, 3, 60);
  ASSERT_FALSE(a.parser.calls().empty());
  for (const ToolCall& call : a.parser.calls()) EXPECT_EQ(call.name, "now");
  EXPECT_EQ(a.parser.calls()[0].arguments, "{}");
}

TEST(ToolSet, ReasoningComesBeforeARequiredCall) {
  const ToolSet tools(written_as(test::tool_templates()[1].text), kTools,
                      {.choice = ToolChoice::required, .name = "", .parallel = false});
  const ToolPrompt prompt = tools.prompt(question());
  EXPECT_TRUE(prompt.opens_reasoning);
  AnswerParser parser = tools.parser(prompt);
  (void)parser.push("I <tool_call> therefore\n</think>\n<tool_call>\n{\"name\": \"now\", \"arguments\": {}}");
  (void)parser.finish();
  EXPECT_EQ(parser.reasoning(), "I <tool_call> therefore\n");
  EXPECT_EQ(parser.content(), "");
  ASSERT_EQ(parser.calls().size(), 1U);
  EXPECT_TRUE(parser.calls()[0].whole);
}

TEST(ToolSet, CallsAndResultsGoOnInTheConversation) {
  for (const test::ToolTemplate& one : test::tool_templates()) {
    SCOPED_TRACE(one.form + ": " + one.text);
    const ToolSet tools(written_as(one.text), kTools);
    ChatMessage call{"assistant", ""};
    call.tool_calls =
        R"([{"id": "call_of_a_long_identity", "type": "function", "function": {"name": "look_up",
                          "arguments": "{\"word\": \"spelt\", \"near\": []}"}}])";
    ChatMessage result{"tool", "a kind of wheat"};
    result.tool_call_id = "call_of_a_long_identity";
    const std::string text =
        tools.render(std::vector<ChatMessage>{question()[0], call, result, {"user", "And then?"}});
    EXPECT_THAT(text, HasSubstr("look_up"));
    EXPECT_THAT(text, HasSubstr("spelt"));
    EXPECT_THAT(text, HasSubstr("a kind of wheat"));
    EXPECT_THAT(text, testing::Not(HasSubstr("\\\"word")));
  }
}

TEST(ToolSet, WithoutToolsOrWithNoneAllowedThereAreNoCalls) {
  const ChatTemplate written = written_as(test::tool_templates()[0].text);
  for (const ToolSet& tools :
       {ToolSet(written, ""), ToolSet(written, "[]"),
        ToolSet(written, kTools, {.choice = ToolChoice::none, .name = "", .parallel = true})}) {
    EXPECT_EQ(tools.form(), "");
    EXPECT_EQ(tools.render(question()), written.render(question()));
    SamplerOptions how;
    how.grammar = "root ::= \"a\"";
    const ToolPrompt prompt = tools.prompt(question());
    tools.constrain(how, prompt);
    EXPECT_EQ(how.grammar, "root ::= \"a\"");
    AnswerParser parser = tools.parser(prompt);
    (void)parser.push("<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>");
    (void)parser.finish();
    EXPECT_TRUE(parser.calls().empty());
    EXPECT_THAT(parser.content(), HasSubstr("<tool_call>"));
  }
}

TEST(ToolSet, BadToolsAreRefused) {
  const ChatTemplate written = written_as(test::tool_templates()[0].text);
  const auto code_of = [&](const char* json, const ToolOptions& options = {}) {
    return test::code_of([&] { const ToolSet refused(written, json, options); });
  };
  EXPECT_EQ(code_of("{"), Errc::type);
  EXPECT_EQ(code_of("{}"), Errc::type);
  EXPECT_EQ(code_of("[1]"), Errc::type);
  EXPECT_EQ(code_of(R"([{"type": "function"}])"), Errc::type);
  EXPECT_EQ(code_of(R"([{"name": "a", "parameters": 3}])"), Errc::type);
  EXPECT_EQ(code_of(R"([{"name": "a b"}])"), Errc::range);
  EXPECT_EQ(code_of(R"([{"name": ""}])"), Errc::range);
  EXPECT_EQ(code_of(R"([{"name": "a"}, {"name": "a"}])"), Errc::range);
  EXPECT_EQ(code_of(R"([{"name": "a", "parameters": {"type": "number"}}])"), Errc::grammar);
  EXPECT_EQ(code_of(R"([{"name": "a", "parameters": {"properties": 3}}])"), Errc::grammar);
  EXPECT_EQ(code_of("[]", {.choice = ToolChoice::required, .name = "", .parallel = true}), Errc::range);
  EXPECT_EQ(code_of(kTools, {.choice = ToolChoice::automatic, .name = "other", .parallel = true}),
            Errc::range);
  EXPECT_EQ(code_of((std::string(1000, '[') + std::string(1000, ']')).c_str()), Errc::type);
}

}  // namespace
}  // namespace longhand
