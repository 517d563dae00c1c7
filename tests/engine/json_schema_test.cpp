#include "engine/types/json_schema.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "engine/sampling/grammar/gbnf_text.h"
#include "engine/sampling/grammar/grammar_matcher.h"
#include "ops/error.h"
#include "ops/random.h"
#include "tests/support/grammar_match.h"

namespace longhand {
namespace {

using testing::HasSubstr;

using test::matches;

struct Case {
  std::string_view schema;
  std::vector<std::string_view> satisfy, violate;
};

TEST(JsonSchema, GrammarAcceptsWhatSatisfies) {
  const Case cases[] = {
      {"{}",
       {"1", "\"a\"", "[]", "{\"a\": [1, {\"b\":null}]}", "true"},
       {"", "[1,]", "{a:1}", "01", "\"\\x\""}},
      {R"({"type":"boolean"})", {"true", "false"}, {"null", "\"true\""}},
      {R"({"type":"null"})", {"null"}, {"0"}},
      {R"({"type":"integer"})", {"0", "-12", "345"}, {"1.5", "01", "+1", "-"}},
      {R"({"type":"number"})", {"0", "-1.25", "3e10", "2.5E-3"}, {".5", "1.", "e3"}},
      {R"({"type":"number","minimum":0})", {"0.5"}, {"-0.5"}},
      {R"({"type":["integer","null"]})", {"3", "null"}, {"\"3\""}},
      {R"({"type":"integer","minimum":0,"maximum":10})", {"0", "7", "10"}, {"11", "-1", "00"}},
      {R"({"type":"integer","exclusiveMinimum":-3,"exclusiveMaximum":3})",
       {"-2", "0", "2"},
       {"-3", "3", "-0"}},
      {R"({"type":"integer","minimum":100})", {"100", "999", "1000", "123456"}, {"99", "0", "-100"}},
      {R"({"type":"integer","minimum":1000000000000000000})",
       {"1000000000000000000", "9223372036854775807"},
       {"999999999999999999", "-1"}},
      {R"({"type":"integer","maximum":-1000000000000000000})",
       {"-1000000000000000000", "-9223372036854775808"},
       {"-999999999999999999", "1"}},
      {R"({"type":"integer","maximum":-5})", {"-5", "-6", "-10", "-1234"}, {"-4", "0", "5"}},
      {R"({"minimum":1.5,"maximum":2.5,"type":"integer"})", {"2"}, {"1", "3"}},
      {R"({"type":"string"})", {"\"\"", "\"a\\n\\u00e9\xC3\xA9\""}, {"\"", "\"a", "\"\n\"", "\"\\ud800\""}},
      {R"({"type":"string","minLength":2,"maxLength":3})",
       {"\"ab\"", "\"\xC3\xA9\\n\"", "\"abc\""},
       {"\"a\"", "\"abcd\""}},
      {R"({"type":"string","maxLength":5000})", {"\"\"", "\"abc\""}, {}},
      {R"({"enum":["a",1,null,{"b":[true]}]})", {"\"a\"", "1", "null", "{\"b\":[true]}"}, {"a", "2"}},
      {R"({"type":"string","enum":["a",1]})", {"\"a\""}, {"1"}},
      {R"({"const":"x\"\\\n\u00e9"})", {"\"x\\\"\\\\\\n\xC3\xA9\""}, {"\"x\""}},
      {R"({"type":"array","items":{"type":"integer"}})",
       {"[]", "[1]", "[1, 2,3]"},
       {"[\"a\"]", "[1 2]", "[,]"}},
      {R"({"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":3})",
       {"[1,2]", "[1,2,3]"},
       {"[1]", "[1,2,3,4]", "[]"}},
      {R"({"type":"array","maxItems":1})", {"[]", "[{}]"}, {"[1,2]"}},
      {R"({"type":"array","maxItems":0})", {"[]"}, {"[1]"}},
      {R"({"prefixItems":[{"type":"string"},{"type":"integer"}]})",
       {"[\"a\",1]"},
       {"[1,\"a\"]", "[\"a\",1,2]", "[]"}},
      {R"({"prefixItems":[{"type":"string"}],"items":{"type":"integer"},"minItems":2,"maxItems":3})",
       {"[\"a\",1]", "[\"a\",1,2]"},
       {"[\"a\"]", "[\"a\",1,2,3]"}},
      {R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},"required":["a"]})",
       {"{\"a\":1}", "{\"a\": 1, \"b\": \"x\"}", "{ \"a\":1 }"},
       {"{}", "{\"b\":\"x\"}", "{\"a\":1,}", "{\"a\":\"x\"}", "{\"a\":1,\"c\":2}"}},
      {R"({"properties":{"a":{},"b":{},"c":{}}})",
       {"{}", "{\"a\":1}", "{\"b\":1}", "{\"c\":1}", "{\"a\":1,\"c\":2}", "{\"a\":1,\"b\":1,\"c\":1}"},
       {"{,}", "{\"a\":1 \"b\":1}"}},
      {R"({"properties":{"a":{},"b":{}},"required":["b","z"]})",
       {"{\"b\":1,\"z\":1}", "{\"a\":1,\"b\":1,\"z\":2}"},
       {"{\"b\":1}", "{\"a\":1}"}},
      {R"({"type":"object"})", {"{}", "{\"x\":{\"y\":[]}}"}, {"[]"}},
      {R"({"type":"object","additionalProperties":false})", {"{}", "{ }"}, {"{\"a\":1}"}},
      {R"({"type":"object","additionalProperties":{"type":"integer"}})",
       {"{}", "{\"q\":1,\"r\":2}"},
       {"{\"q\":\"x\"}"}},
      {R"({"properties":{"ab":{"type":"string"},"ac":{"type":"string"}},"required":["ab"],"additionalProperties":{"type":"integer"}})",
       {"{\"ab\":\"x\"}", "{\"ab\":\"x\",\"a\":1}", "{\"ab\":\"x\",\"ac\":\"y\",\"abc\":1,\"\":2}",
        "{\"ab\":\"x\",\"b\":1}"},
       {"{\"ab\":\"x\",\"ac\":1}", "{\"ab\":\"x\",\"ab\":1}", "{\"a\":1}"}},
      {R"({"anyOf":[{"type":"integer"},{"type":"string"}]})", {"1", "\"a\""}, {"null"}},
      {R"({"type":"object","properties":{"k":{"type":"integer"}},"oneOf":[{"required":["k"]},{"properties":{"m":{"type":"null"}},"required":["m"]}]})",
       {"{\"k\":1}", "{\"m\":null}"},
       {"{}", "{\"k\":1,\"m\":null}"}},
      {R"({"allOf":[{"properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"b":{"type":"null"}},"required":["b"]}]})",
       {"{\"a\":1,\"b\":null}"},
       {"{\"a\":1}", "{\"b\":null}"}},
      {R"({"allOf":[{"type":"integer","minimum":3},{"minimum":5,"maximum":9}]})", {"5", "9"}, {"3", "10"}},
      {R"({"$defs":{"n":{"type":"object","properties":{"v":{"type":"integer"},"next":{"$ref":"#/$defs/n"}},"required":["v"]}},"$ref":"#/$defs/n"})",
       {"{\"v\":1}", "{\"v\":1,\"next\":{\"v\":2,\"next\":{\"v\":3}}}"},
       {"{\"next\":{\"v\":1}}"}},
      {R"({"type":"array","items":{"$ref":"#"}})", {"[]", "[[],[[]]]"}, {"[1]"}},
      {R"({"definitions":{"a/b c":{"type":"null"}},"$ref":"#/definitions/a~1b%20c","description":"x"})",
       {"null"},
       {"1"}},
      {R"({"type":"string","format":"date"})",
       {"\"2024-02-29\""},
       {"\"2024-13-01\"", "\"24-01-01\"", "\"2024-01-32\""}},
      {R"({"type":"string","format":"time"})",
       {"\"23:59:59Z\"", "\"01:02:03.5+02:00\""},
       {"\"24:00:00Z\"", "\"1:2:3Z\""}},
      {R"({"type":"string","format":"date-time"})", {"\"2024-02-29T12:00:00Z\""}, {"\"2024-02-29\""}},
      {R"({"type":"string","format":"uuid"})",
       {"\"123e4567-e89b-12d3-a456-426614174000\""},
       {"\"123e4567\""}},
      {R"({"type":"string","format":"email"})", {"\"anything\""}, {"1"}},
      {R"({"pattern":"^[a-z]{2,3}-\\d+$"})",
       {"\"ab-1\"", "\"abc-99\""},
       {"\"a-1\"", "\"ab-\"", "\"xabc-1\""}},
      {R"({"pattern":"^(foo|ba[rz])?$"})", {"\"\"", "\"foo\"", "\"baz\""}, {"\"ba\""}},
      {R"({"pattern":"b+"})", {"\"b\"", "\"abbc\""}, {"\"ac\""}},
      {R"({"pattern":"^(?:\\w+\\.)*\\w+\\$$"})", {"\"a.b$\""}, {"\"a..b$\"", "\"a.b\""}},
      {R"({"pattern":"^[^a\"\\\\]\"\\\\.$"})",
       {"\"b\\\"\\\\c\"", "\"\\n\\\"\\\\\\\"\""},
       {"\"a\\\"\\\\c\"", "\"b\"\\c\""}},
      {R"({"pattern":"^\\S{3}\\s$"})", {"\"a\xC3\xA9z \"", "\"abc\\t\""}, {"\"a c \""}},
      {R"({"title":"t","description":"d","default":1,"x-note":2,"type":"null"})", {"null"}, {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.schema);
    GrammarMatcher matcher(parse_gbnf(json_schema_to_gbnf(c.schema)));
    for (const auto text : c.satisfy) EXPECT_TRUE(matches(matcher, text)) << text;
    for (const auto text : c.violate) EXPECT_FALSE(matches(matcher, text)) << text;
  }
}

std::string refusal(const std::string& schema) {
  const auto start = std::chrono::steady_clock::now();
  std::string message = "accepted";
  try {
    parse_gbnf(json_schema_to_gbnf(schema));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::grammar);
    message = error.what();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(500)) << schema.substr(0, 80);
  return message;
}

TEST(JsonSchema, WhatCannotBeHonouredIsRefusedWithItsPlace) {
  EXPECT_THAT(refusal(R"({"not":{"type":"object","patternProperties":{"a":{}}}})"),
              HasSubstr("patternProperties"));
  EXPECT_THAT(refusal(R"({"properties":{"a":{"items":{"pattern":"(a)\\1"}}}})"),
              HasSubstr("schema.a[]: pattern"));
  EXPECT_THAT(refusal(R"({"properties":{"n":{"multipleOf":0.123456789}}})"),
              HasSubstr("schema.n: a multiple"));
  EXPECT_THAT(refusal(R"({"contains":{"type":"null"},"minItems":100000})"), HasSubstr("contains"));
  EXPECT_THAT(refusal(R"({"type":"thing"})"), HasSubstr("thing"));
  EXPECT_THAT(refusal(R"({"$ref":"http://example.com/x"})"), HasSubstr("not local"));
  EXPECT_THAT(refusal(R"({"$ref":"#/nowhere"})"), HasSubstr("nowhere"));
  EXPECT_THAT(refusal(R"({"$ref":"#/%zz"})"), HasSubstr("percent"));
  EXPECT_THAT(refusal(R"({"$ref":"#"})"), HasSubstr("itself"));
  EXPECT_THAT(refusal(R"({"allOf":[{"$ref":"#"}]})"), HasSubstr("deeper"));
  EXPECT_THAT(refusal("3"), HasSubstr("neither"));
  EXPECT_THAT(refusal("{"), HasSubstr("schema"));
  EXPECT_THAT(refusal(R"({"type":3})"), HasSubstr("type"));
  EXPECT_THAT(refusal(R"({"minLength":-1})"), HasSubstr("count"));
  for (const char* pattern : {"(?<=a)", "\\\\1", "(a", "[a", "a**", "*", "a{2,1}", "(?m)a"}) {
    EXPECT_NE(refusal(fmt::format(R"({{"pattern":"{}"}})", pattern)), "accepted") << pattern;
  }
}

TEST(JsonSchema, WhatNoValueSatisfiesIsRefused) {
  for (const char* schema :
       {"false", R"({"enum":[]})", R"({"type":"integer","minimum":3,"maximum":2})", R"({"not":{}})",
        R"({"type":"array","minItems":3,"maxItems":2})", R"({"allOf":[{"type":"string"},{"type":"null"}]})",
        R"({"properties":{"a":false},"required":["a"]})", R"({"pattern":"a$b"})",
        R"({"type":"string","enum":[1]})", R"({"pattern":"^a+$","maxLength":0})",
        R"({"propertyNames":{"maxLength":1},"required":["ab"]})"}) {
    EXPECT_THAT(refusal(schema), HasSubstr("no value")) << schema;
    EXPECT_FALSE(schema_grammar(schema).satisfiable) << schema;
  }
}

TEST(JsonSchema, LenientNotesWhatItLeavesOut) {
  const SchemaGrammar made = schema_grammar(
      R"({"properties":{"a":{"type":"string","pattern":"(a)\\1"},"b":{"type":"null"}}})", true);
  ASSERT_EQ(made.notes.size(), 1u);
  EXPECT_THAT(made.notes[0], HasSubstr("schema.a"));
  GrammarMatcher matcher(parse_gbnf(made.gbnf));
  EXPECT_TRUE(matches(matcher, R"({"a":"x","b":null})"));
  EXPECT_FALSE(matches(matcher, R"({"a":"x","b":1})"));
}

TEST(JsonSchema, BombsEndSoon) {
  std::string deep;
  for (int i = 0; i < 20000; ++i) deep += R"({"items":)";
  EXPECT_THAT(refusal(deep + "{}" + std::string(20000, '}')), HasSubstr("deeper"));
  std::string medium;
  for (int i = 0; i < 200; ++i) medium += R"({"items":)";
  EXPECT_THAT(refusal(medium + "{}" + std::string(200, '}')), HasSubstr("deeper"));
  EXPECT_NE(refusal(R"({"pattern":")" + std::string(50000, '(') + R"("})"), "accepted");
  std::string wide = R"({"properties":{)";
  for (int i = 0; i < 500; ++i)
    wide += fmt::format("{}\"p{}\":{{\"type\":\"integer\"}}", i == 0 ? "" : ",", i);
  EXPECT_EQ(refusal(wide + "}}"), "accepted");
}

TEST(GbnfRepeat, CountsBeyondOneRepetition) {
  for (const auto& [min, max] : std::vector<std::pair<std::uint32_t, std::uint32_t>>{{0, 2000},
                                                                                     {0, 2001},
                                                                                     {0, 4500},
                                                                                     {1999, 2000},
                                                                                     {2000, 4001},
                                                                                     {2001, 2001},
                                                                                     {4100, 6500},
                                                                                     {4100, kNoLimit}}) {
    GrammarMatcher matcher(parse_gbnf("root ::= " + gbnf_repeat("\"a\"", min, max)));
    GrammarMatcher::State state = matcher.start();
    for (std::uint32_t n = 0; n < 7000; ++n) {
      ASSERT_EQ(matcher.can_end(state), n >= min && n <= max) << n << " of " << min;
      state = matcher.step(state, 'a');
    }
  }
}

// Random texts of a grammar are JSON.
TEST(JsonSchema, RandomDocumentsAreJson) {
  Random random(9);
  for (
      const char* schema :
      {"{}",
       R"({"type":"object","properties":{"a":{"type":"number"},"b":{"items":{"type":"string"}}},"additionalProperties":{"type":"integer"}})",
       R"({"pattern":"^[\\s\"\\\\a-c]*$"})"}) {
    GrammarMatcher matcher(parse_gbnf(json_schema_to_gbnf(schema)));
    for (int round = 0; round < 50; ++round) {
      std::string text;
      GrammarMatcher::State state = matcher.start();
      while (!(matcher.can_end(state) && (text.size() > 40 || random.uniform() < 0.1)) && text.size() < 300) {
        std::vector<unsigned char> open;
        // Closing signs more often, so that documents end.
        for (const char c : std::string_view("]}\"]}\"abc,:{[ 019.eE+-\\nu\ntrfalsn\xC3\xA9")) {
          if (matcher.step(state, std::uint8_t(c)) != GrammarMatcher::kDead) open.push_back(std::uint8_t(c));
        }
        if (open.empty() && matcher.can_end(state)) break;
        ASSERT_FALSE(open.empty()) << text;
        const unsigned char byte = open[random.next() % open.size()];
        state = matcher.step(state, byte);
        text += char(byte);
      }
      if (!matcher.can_end(state)) continue;
      ASSERT_TRUE(nlohmann::json::accept(text)) << text;
    }
  }
}

}  // namespace
}  // namespace longhand
