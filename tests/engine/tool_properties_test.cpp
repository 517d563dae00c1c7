// Calls of functions with random schemas, in every form: arguments that satisfy a schema are accepted and
// read back, and whatever the grammar accepts satisfies it.
#include <gtest/gtest.h>

#include <random>

#include "engine/chat/tools/answer_reader.h"
#include "engine/chat/tools/call_grammar.h"
#include "engine/chat/tools/call_writer.h"
#include "engine/sampling/schema/schema_set.h"
#include "tests/support/grammar_match.h"

namespace longhand {
namespace {

class Draw {
 public:
  explicit Draw(unsigned seed) : random_(seed) {}
  unsigned below(unsigned n) { return unsigned(random_() % n); }
  bool often() { return below(3) > 0; }

  Json schema(int depth) {
    switch (below(depth > 0 ? 9 : 6)) {
      case 0:
        return {{"type", "string"}};
      case 1:
        return {{"type", "string"}, {"maxLength", 4 + below(4)}};
      case 2:
        return {{"type", "integer"}, {"minimum", -int(below(20))}, {"maximum", below(300)}};
      case 3:
        return {{"type", "boolean"}};
      case 4:
        return {{"enum", {"red", "dark <blue>", "12", "null"}}};
      case 5:
        return {{"type", {"string", "null"}}};
      case 6:
        return {{"type", "array"}, {"items", schema(depth - 1)}, {"maxItems", 1 + below(3)}};
      case 7:
        return object(depth - 1);
      default:
        return {{"anyOf", {schema(depth - 1), {{"type", "integer"}}}}};
    }
  }
  Json object(int depth) {
    Json out = {{"type", "object"}, {"properties", Json::object()}, {"required", Json::array()}};
    for (const char* const name : {"a", "long_name", "x-y"}) {
      if (!often()) continue;
      out["properties"][name] = schema(depth);
      if (often()) out["required"].push_back(name);
    }
    if (out["properties"].empty()) out["additionalProperties"] = false;
    return out;
  }

  Json value(const Json& schema) {
    if (schema.contains("anyOf")) return value(schema["anyOf"][below(2)]);
    if (schema.contains("enum")) return schema["enum"][below(4)];
    if (schema["type"].is_array()) return below(2) == 0 ? Json(nullptr) : Json(text(12));
    const std::string type = schema["type"];
    if (type == "string") return text(schema.value("maxLength", 12U));
    if (type == "integer") {
      const int low = schema.value("minimum", -99), high = schema.value("maximum", 99);
      return low + int(below(unsigned(high - low + 1)));
    }
    if (type == "boolean") return below(2) == 0;
    Json out = type == "array" ? Json::array() : Json::object();
    if (type == "array") {
      for (unsigned i = below(schema.value("maxItems", 1U) + 1); i > 0; --i)
        out.push_back(value(schema["items"]));
      return out;
    }
    for (const auto& [name, property] : schema["properties"].items()) {
      const Json& required = schema["required"];
      const bool wanted = std::find(required.begin(), required.end(), name) != required.end();
      if (wanted || often()) out[name] = value(property);
    }
    return out;
  }

 private:
  std::string text(unsigned most) {
    static const std::vector<std::string> kParts = {"a", "Z", " ", "\n", "\"", "'", "\\", "<",
                                                    ">", "{", "]", "1",  "-",  "ä", "中", "\xF0\x9F\x98\x80",
                                                    ",", "=", ":", "|",  "\t"};
    std::string out;
    for (unsigned size = below(most + 1); size > 0; --size) out += kParts[below(unsigned(kParts.size()))];
    return out;
  }
  std::minstd_rand random_;
};

std::vector<Tool> tools_with(const Json& schema) {
  return read_tools(Json({{{"name", "f"}, {"parameters", schema}}}).dump());
}

std::vector<ToolCall> read(const CallForm& form, const std::vector<Tool>& tools, std::string_view text,
                           std::size_t piece) {
  const auto style = form.in_header ? ReasoningStyle::Form::channels : ReasoningStyle::Form::none;
  AnswerReader reader({style, "", ""}, {false, form.in_header}, &form, tools);
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size())))
    (void)reader.push(text.substr(0, piece));
  (void)reader.finish();
  EXPECT_EQ(reader.content(), "");
  return reader.calls();
}

GrammarMatcher matcher_of(const CallForm& form, const std::vector<Tool>& tools) {
  const ReasoningStyle none;
  const CallGrammarWriter writer(form, none, spell_bytes);
  return GrammarMatcher(parse_gbnf(writer.write(tools, false, CallGrammarStart::call).gbnf));
}

TEST(ToolProperties, ArgumentsOfRandomSchemasAreAcceptedAndReadBack) {
  Draw draw(1);
  for (int round = 0; round < 40; ++round) {
    const Json schema = draw.object(2);
    const std::vector<Tool> tools = tools_with(schema);
    for (const CallForm& form : call_forms()) {
      GrammarMatcher matcher = matcher_of(form, tools);
      for (int i = 0; i < 4; ++i) {
        const Json arguments = draw.value(schema);
        const std::string text = prompt_text(
            write_calls(form, std::vector<ToolCall>{{"abcdefgh1", "f", arguments.dump(), true}}, tools));
        SCOPED_TRACE(form.name + "\n" + schema.dump() + "\n" + text);
        EXPECT_TRUE(test::matches(matcher, text));
        for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, text.size()}) {
          const auto calls = read(form, tools, text, piece);
          ASSERT_EQ(calls.size(), 1U);
          EXPECT_EQ(Json::parse(calls[0].arguments, nullptr, false), arguments) << calls[0].arguments;
        }
      }
    }
  }
}

// A text of the grammar, drawn byte by byte; empty where it does not end in time.
std::string drawn(GrammarMatcher& matcher, Draw& draw) {
  std::string text;
  GrammarMatcher::State state = matcher.start();
  while (!matcher.can_end(state)) {
    if (text.size() > 4000) return "";
    std::vector<unsigned char> able, closing;
    for (unsigned byte = 0; byte < 256; ++byte) {
      if (matcher.step(state, std::uint8_t(byte)) == GrammarMatcher::kDead) continue;
      able.push_back(std::uint8_t(byte));
      if (std::string_view("\"}])<").find(char(byte)) != std::string_view::npos)
        closing.push_back(std::uint8_t(byte));
    }
    const auto& from = !closing.empty() && draw.often() ? closing : able;
    const unsigned char byte = from[draw.below(unsigned(from.size()))];
    text += char(byte);
    state = matcher.step(state, byte);
  }
  return text;
}

TEST(ToolProperties, WhatTheGrammarAcceptsSatisfiesTheSchema) {
  Draw draw(2);
  int ended = 0;
  for (int round = 0; round < 25; ++round) {
    const Json schema = draw.object(2);
    const std::vector<Tool> tools = tools_with(schema);
    SchemaSet schemas(tools[0].parameters, true);
    for (const CallForm& form : call_forms()) {
      GrammarMatcher matcher = matcher_of(form, tools);
      for (int i = 0; i < 3; ++i) {
        const std::string text = drawn(matcher, draw);
        if (text.empty()) continue;
        ++ended;
        SCOPED_TRACE(form.name + "\n" + schema.dump() + "\n" + text);
        const auto calls = read(form, tools, text, 1 + draw.below(20));
        ASSERT_EQ(calls.size(), 1U);
        ASSERT_TRUE(calls[0].whole) << calls[0].arguments;
        EXPECT_TRUE(schemas.satisfies(Json::parse(calls[0].arguments), Schemas{schemas.root()}))
            << calls[0].arguments;
      }
    }
  }
  EXPECT_GT(ended, 1000);
}

}  // namespace
}  // namespace longhand
