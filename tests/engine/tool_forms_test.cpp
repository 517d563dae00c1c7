// Calls in every form: written as a model would write them, accepted by the grammar, read from a stream cut
// anywhere.
#include <gtest/gtest.h>

#include <random>

#include "engine/chat/tools/answer_reader.h"
#include "engine/chat/tools/call_grammar.h"
#include "engine/chat/tools/call_writer.h"
#include "ops/error.h"
#include "tests/support/grammar_match.h"

namespace longhand {
namespace {

using Kind = AnswerEvent::Kind;

const std::vector<Tool>& tools() {
  static const std::vector<Tool> kTools = read_tools(R"([
    {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {
       "city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["C", "F"]},
       "note": {"type": ["string", "null"]}, "exact": {"type": "boolean"},
       "places": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "number"},
                  "label": {"type": "string"}}, "required": ["x"]}}},
       "required": ["city"]}}},
    {"name": "stop"},
    {"name": "free", "parameters": {"type": "object", "properties": {"any": {}}}}
  ])");
  return kTools;
}

std::vector<ToolCall> some_calls() {
  return {
      {"abcdefgh1", "get_weather", R"({"city": "Zürich \"old\" <town> {1}\nnext", "days": -3})", true},
      {"abcdefgh2", "stop", "{}", true},
      {"abcdefgh3", "get_weather",
       R"({"city": "", "days": 0, "unit": "F", "note": null, "exact": true,
               "places": [{"x": 1.5, "label": "a'b"}, {"x": 2}]})",
       true},
      {"abcdefgh4", "get_weather", R"({"city": "null", "note": "12", "exact": false, "places": []})", true},
      {"abcdefgh5", "free", R"({"any": {"a": [1, null, true, "t\\x"]}})", true},
      {"abcdefgh6", "free", R"({"any": "plain text"})", true},
      {"abcdefgh7", "free", "{}", true}};
}

std::string written(const CallForm& form, const std::vector<ToolCall>& calls) {
  return prompt_text(write_calls(form, calls, tools()));
}

// What the reader makes of pieces of `text`, each of `size` bytes.
struct Read {
  std::string content, reasoning;
  std::vector<ToolCall> calls;
};
Read read(const CallForm& form, std::string_view text, std::size_t size,
          const ReasoningStyle& style = {ReasoningStyle::Form::none, "", ""}, bool inside = false) {
  AnswerReader reader(style, {inside, form.in_header}, &form, tools());
  Read out;
  const auto take = [&](const std::vector<AnswerEvent>& events) {
    for (const AnswerEvent& event : events) {
      if (event.kind == Kind::content) out.content += event.text;
      if (event.kind == Kind::reasoning) out.reasoning += event.text;
      if (event.kind == Kind::call_begin) {
        EXPECT_EQ(event.call, out.calls.size());
        out.calls.push_back({event.id, event.name, "", false});
      }
      if (event.kind == Kind::call_arguments) out.calls.at(event.call).arguments += event.text;
      if (event.kind == Kind::call_end) out.calls.at(event.call).whole = event.whole;
    }
  };
  for (; !text.empty(); text.remove_prefix(std::min(size, text.size())))
    take(reader.push(text.substr(0, size)));
  take(reader.finish());
  EXPECT_EQ(out.content, reader.content());
  EXPECT_EQ(out.reasoning, reader.reasoning());
  EXPECT_EQ(out.calls.size(), reader.calls().size());
  for (std::size_t i = 0; i < out.calls.size(); ++i) {
    EXPECT_EQ(out.calls[i].arguments, reader.calls()[i].arguments);
    EXPECT_EQ(out.calls[i].whole, reader.calls()[i].whole);
  }
  return out;
}

void expect_same(const std::vector<ToolCall>& found, const std::vector<ToolCall>& calls) {
  ASSERT_EQ(found.size(), calls.size());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    EXPECT_TRUE(found[i].whole) << found[i].arguments;
    EXPECT_EQ(found[i].name, calls[i].name);
    EXPECT_EQ(Json::parse(found[i].arguments, nullptr, false), Json::parse(calls[i].arguments))
        << found[i].arguments;
  }
}

ReasoningStyle style_of(const CallForm& form) {
  return {form.in_header ? ReasoningStyle::Form::channels : ReasoningStyle::Form::none, "", ""};
}

class ToolForms : public testing::TestWithParam<std::string> {
 protected:
  const CallForm& form() const { return call_form(GetParam()); }
};

TEST_P(ToolForms, CallsAreReadHoweverTheStreamIsCut) {
  for (const ToolCall& call : some_calls()) {
    const std::string text = written(form(), {call});
    SCOPED_TRACE(text);
    for (const std::size_t size :
         {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, text.size()}) {
      const Read found = read(form(), text, size, style_of(form()));
      expect_same(found.calls, {call});
      EXPECT_EQ(found.content, "");
    }
  }
}

TEST_P(ToolForms, SeveralCallsAreReadWhereTheFormHasThem) {
  if (!form().several) return;
  const std::string text = written(form(), some_calls());
  SCOPED_TRACE(text);
  for (const std::size_t size : {std::size_t{1}, std::size_t{5}, text.size()}) {
    const Read found = read(form(), text, size);
    expect_same(found.calls, some_calls());
    EXPECT_EQ(found.content, "");
  }
}

TEST_P(ToolForms, TheGrammarAcceptsWhatModelsWrite) {
  const ReasoningStyle style = style_of(form());
  const CallGrammarWriter writer(form(), style, spell_bytes);
  GrammarMatcher lazy(parse_gbnf(writer.write(tools(), true, CallGrammarStart::call).gbnf));
  GrammarMatcher whole(parse_gbnf(writer.write(tools(), true, CallGrammarStart::answer).gbnf));
  for (const ToolCall& call : some_calls()) {
    const std::string text = written(form(), {call});
    EXPECT_TRUE(test::matches(lazy, text)) << text;
    EXPECT_TRUE(test::matches(whole, (form().in_header ? " " : "") + text)) << text;
    EXPECT_FALSE(test::matches(lazy, text.substr(0, text.size() / 2))) << text;
  }
  const std::string all = written(form(), some_calls());
  EXPECT_EQ(test::matches(lazy, all), form().several) << all;
  GrammarMatcher single(parse_gbnf(writer.write(tools(), false, CallGrammarStart::call).gbnf));
  EXPECT_FALSE(test::matches(single, all)) << all;
}

TEST_P(ToolForms, AnAnswerIsACallOrJsonOfTheSchema) {
  const ReasoningStyle style = style_of(form());
  const CallGrammarWriter writer(form(), style, spell_bytes);
  const Json schema = Json::parse(
      R"({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": false})");
  const auto grammar = [&](CallGrammarStart start) {
    return GrammarMatcher(parse_gbnf(writer.write(tools(), true, start, &schema).gbnf));
  };
  GrammarMatcher plain = grammar(CallGrammarStart::plain), answer = grammar(CallGrammarStart::answer);
  const bool channels = style.form == ReasoningStyle::Form::channels;
  const std::string before = channels ? "<|channel|>final<|message|>" : "";
  const std::string call = (form().in_header ? " " : "") + written(form(), {some_calls()[0]});
  for (GrammarMatcher* matcher : {&plain, &answer}) {
    EXPECT_TRUE(test::matches(*matcher, call)) << call;
    EXPECT_TRUE(test::matches(*matcher, before + R"({"a": 12})"));
    EXPECT_FALSE(test::matches(*matcher, before + R"({"a": "x"})"));
    EXPECT_FALSE(test::matches(*matcher, before + "Hello"));
    EXPECT_FALSE(test::matches(*matcher, before + R"({"a": 12})" + call)) << "one of both";
  }
}

TEST(AnswerSchema, JsonOfASchemaComesBehindTheReasoning) {
  const ReasoningStyle style{ReasoningStyle::Form::pair, "<think>", "</think>"};
  const CallGrammarWriter writer(default_call_form(), style, spell_bytes);
  const Json schema = Json::parse(R"({"enum": ["yes", "no"]})");
  const auto accepts = [&](CallGrammarStart start, const std::string& text) {
    GrammarMatcher matcher(parse_gbnf(writer.write({}, true, start, &schema).gbnf));
    return test::matches(matcher, text);
  };
  EXPECT_TRUE(accepts(CallGrammarStart::answer, "<think>let me see</think>\n\n\"yes\""));
  EXPECT_TRUE(accepts(CallGrammarStart::answer, "\"yes\""));
  EXPECT_FALSE(accepts(CallGrammarStart::answer, "<think>let me see</think>\n\nyes"));
  EXPECT_TRUE(accepts(CallGrammarStart::reasoning, "let me see</think>\"no\""));
  EXPECT_FALSE(accepts(CallGrammarStart::reasoning, "\"no\"")) << "the reasoning has not ended";
  EXPECT_TRUE(accepts(CallGrammarStart::plain, "\"no\""));
  EXPECT_FALSE(accepts(CallGrammarStart::plain, "<think></think>\"no\""));
}

TEST_P(ToolForms, TheGrammarRefusesArgumentsAgainstTheSchema) {
  const ReasoningStyle style = style_of(form());
  const CallGrammarWriter writer(form(), style, spell_bytes);
  GrammarMatcher matcher(parse_gbnf(writer.write(tools(), true, CallGrammarStart::call).gbnf));
  for (const char* const bad :
       {R"({"days": 3})", R"({"city": "x", "days": 1.5})", R"({"city": "x", "unit": "K"})",
        R"({"city": "x", "other": 1})", R"({"city": "x", "exact": 1})", R"({"city": "x", "places": [{}]})"}) {
    const std::string text = written(form(), {{"abcdefgh1", "get_weather", bad, true}});
    EXPECT_FALSE(test::matches(matcher, text)) << text;
  }
  const std::string unknown = written(form(), {{"abcdefgh1", "get_wealth", R"({"city": "x"})", true}});
  EXPECT_FALSE(test::matches(matcher, unknown));
  const std::string more = written(form(), {{"abcdefgh1", "stop", R"({"a": 1})", true}});
  EXPECT_FALSE(test::matches(matcher, more)) << more;
}

// What an answer of that form is taken for.
struct Sample {
  std::string form, text, content;
  std::vector<ToolCall> calls;
  std::string reasoning = "";
};
std::vector<Sample> samples() {
  const std::string stop = R"({"name": "stop", "arguments": {}})";
  const ToolCall call{"", "stop", "{}", true};
  return {
      // Text before calls, and white space around them.
      {"hermes",
       "Let me see.\n\n<tool_call>\n" + stop + "\n</tool_call>\n\n<tool_call>" + stop + "</tool_call>\n",
       "Let me see.",
       {call, call}},
      {"hermes", "Ends with space \n", "Ends with space \n", {}},
      // What looks like a call only.
      {"hermes", "Write <tool_call> before it.", "Write <tool_call> before it.", {}},
      {"hermes",
       "<tool_call>\n{\"name\": \"steal\", \"arguments\": {}}\n</tool_call>",
       "<tool_call>\n{\"name\": \"steal\", \"arguments\": {}}\n</tool_call>",
       {}},
      {"hermes", "<tool_call><tool_call>" + stop, "<tool_call>", {call}},
      {"hermes", "a <tool", "a <tool", {}},
      // Calls that are cut.
      {"hermes", R"(<tool_call>{"name": "stop", "arguments": {)", "", {{"", "stop", "{", false}}},
      {"hermes", "<tool_call>" + stop.substr(0, stop.size() - 1), "", {call}},
      {"hermes", R"(<tool_call>{"name": "st)", R"(<tool_call>{"name": "st)", {}},
      {"qwen3-coder",
       "<tool_call><function=get_weather><parameter=city>Li",
       "",
       {{"", "get_weather", "{\"city\": \"", false}}},
      // What models leave out or add.
      {"qwen3-coder", "<function=stop>\n</function>\n</tool_call>", "", {call}},
      {"qwen3-coder",
       "<tool_call>\n<function=get_weather>\n<parameter=city>Lima</parameter>\n<parameter=exact>\nTrue\n"
       "</parameter>\n</function>\n</tool_call>",
       "",
       {{"", "get_weather", R"({"city": "Lima", "exact": true})", true}}},
      {"llama3", R"( {"type": "function", "name": "stop", "parameters": {}})", "", {call}},
      {"llama3", R"(<|python_tag|>{"name": "stop", "parameters": {}})", "", {call}},
      {"llama3",
       R"(So: {"name": "stop", "parameters": {}})",
       R"(So: {"name": "stop", "parameters": {}})",
       {}},
      {"llama3", R"({"name": "Ada", "age": 36})", R"({"name": "Ada", "age": 36})", {}},
      {"lfm2",
       "<|tool_call_start|>[get_weather(city='it\\'s \"x\"', days=-1, note=None, places=[{'x': "
       "1,}])]<|tool_call_end|>Done.",
       "Done.",
       {{"", "get_weather", R"({"city": "it's \"x\"", "days": -1, "note": null, "places": [{"x": 1}]})",
         true}}},
      {"granite", "<|tool_call|>[" + stop + ", " + stop + "] and more", " and more", {call, call}},
  };
}

TEST(ToolSamples, AnswersAreTakenApart) {
  for (const Sample& sample : samples()) {
    SCOPED_TRACE(sample.form + ": " + sample.text);
    for (const std::size_t size : {std::size_t{1}, std::size_t{4}, sample.text.size()}) {
      const Read found = read(call_form(sample.form), sample.text, size);
      EXPECT_EQ(found.content, sample.content);
      ASSERT_EQ(found.calls.size(), sample.calls.size());
      for (std::size_t i = 0; i < found.calls.size(); ++i) {
        EXPECT_EQ(found.calls[i].name, sample.calls[i].name);
        EXPECT_EQ(found.calls[i].whole, sample.calls[i].whole);
        EXPECT_EQ(found.calls[i].arguments, sample.calls[i].arguments);
      }
    }
  }
}

TEST(ToolSamples, ReasoningIsKeptApart) {
  const ReasoningStyle think{ReasoningStyle::Form::pair, "<think>", "</think>"};
  const std::string call = R"(<tool_call>{"name": "stop", "arguments": {}}</tool_call>)";
  const std::string tags =
      R"(<tool_call>{"name": "free", "arguments": {"any": "<think>x</think>"}}</tool_call>)";
  for (const std::size_t size : {std::size_t{1}, std::size_t{6}, std::size_t{1000}}) {
    const Read inside = read(call_form("hermes"), "a " + call + "</think>b" + call, size, think, true);
    EXPECT_EQ(inside.reasoning, "a " + call);
    EXPECT_EQ(inside.content, "b");
    EXPECT_EQ(inside.calls.size(), 1U);
    const Read argument = read(call_form("hermes"), tags, size, think);
    EXPECT_EQ(argument.reasoning, "");
    ASSERT_EQ(argument.calls.size(), 1U);
    EXPECT_EQ(argument.calls[0].arguments, R"({"any": "<think>x</think>"})");
  }
}

TEST(ToolSamples, ChannelsAreKeptApart) {
  const ReasoningStyle channels{ReasoningStyle::Form::channels, "", ""};
  const std::string thought =
      "<|channel|>analysis<|message|>I call to=functions.stop now<|end|><|start|>assistant";
  for (const char* const call :
       {"<|channel|>commentary to=functions.stop <|constrain|>json<|message|>{}<|call|>",
        " to=functions.stop<|channel|>commentary json<|message|>{}", " to=functions.stop<|message|>{}"}) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{6}, std::size_t{1000}}) {
      for (const std::string& before : {thought, std::string()}) {
        SCOPED_TRACE(before + call);
        const Read found = read(call_form("gpt-oss"), before + call, size, channels);
        EXPECT_EQ(found.reasoning, before.empty() ? "" : "I call to=functions.stop now");
        EXPECT_EQ(found.content, "");
        ASSERT_EQ(found.calls.size(), 1U);
        EXPECT_TRUE(found.calls[0].whole);
      }
    }
  }
  const Read text = read(call_form("gpt-oss"), "<|channel|>final<|message|>to=functions.stop", 3, channels);
  EXPECT_EQ(text.content, "to=functions.stop");
  EXPECT_TRUE(text.calls.empty());
}

std::vector<std::string> names() {
  std::vector<std::string> out;
  for (const CallForm& form : call_forms()) out.push_back(form.name);
  return out;
}
INSTANTIATE_TEST_SUITE_P(Each, ToolForms, testing::ValuesIn(names()), [](const auto& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
});

}  // namespace
}  // namespace longhand
