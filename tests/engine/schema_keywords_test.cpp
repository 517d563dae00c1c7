// Keywords of JSON schemas that automata and counters hold, beside the plain ones in json_schema_test.cpp.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/sampling/grammar/grammar_matcher.h"
#include "engine/types/json_schema.h"
#include "ops/random.h"
#include "tests/support/golden.h"
#include "tests/support/grammar_match.h"

namespace longhand {
namespace {

using test::matches;

struct Case {
  std::string_view schema;
  std::vector<std::string_view> satisfy, violate;
};

void check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.schema);
    GrammarMatcher matcher(parse_gbnf(json_schema_to_gbnf(c.schema)));
    for (const auto text : c.satisfy) EXPECT_TRUE(matches(matcher, text)) << text;
    for (const auto text : c.violate) EXPECT_FALSE(matches(matcher, text)) << text;
  }
}

TEST(SchemaKeywords, Numbers) {
  check({
      {R"({"type":"number","minimum":-0.5,"exclusiveMaximum":12.25})",
       {"-0.5", "0", "12.2499", "-0.49", "12"},
       {"-0.51", "12.25", "12.250", "100", "-1"}},
      {R"({"type":"integer","minimum":-9223372036854775808,"maximum":9223372036854775807})",
       {"-9223372036854775808", "9223372036854775807"},
       {"9223372036854775808", "-9223372036854775809"}},
      {R"({"type":"integer","multipleOf":7,"minimum":10})", {"14", "70000"}, {"7", "15"}},
      {R"({"type":"number","multipleOf":0.25})", {"0.25", "1.5", "3", "-2.750"}, {"0.3", "1.26"}},
      {R"({"type":"integer","not":{"multipleOf":2}})", {"3", "-1"}, {"0", "4"}},
      {R"({"type":"number","not":{"minimum":3}})", {"2.9", "-7"}, {"3", "4"}},
      {R"({"type":"integer","minimum":0,"exclusiveMinimum":true})", {"1"}, {"0"}},
      {R"({"type":"number","minimum":1e3})", {"1000", "1000.5"}, {"999.9"}},
  });
}

TEST(SchemaKeywords, Patterns) {
  check({
      {R"({"pattern":"^(?=.*[0-9])(?!.*x)[a-z0-9]+$"})", {"\"a1\"", "\"9\""}, {"\"ab\"", "\"1x\"", "\"\""}},
      {R"({"pattern":"\\bcat\\b"})", {"\"a cat!\"", "\"cat\""}, {"\"concat\"", "\"cats\""}},
      {R"({"pattern":"^(?<year>\\d{4})$|^(?i:now)$"})", {"\"2024\"", "\"NoW\""}, {"\"20245\"", "\"nowx\""}},
      {R"({"pattern":"^[\\p{Lu}\\u{1F600}]\\u00e9$"})",
       {"\"\xC3\x84\xC3\xA9\"", "\"\xF0\x9F\x98\x80\xC3\xA9\""},
       {"\"a\xC3\xA9\""}},
      {R"({"pattern":"^[a-z]+$","minLength":2,"maxLength":60000})", {"\"ab\""}, {"\"a\"", "\"aB\""}},
      {R"({"allOf":[{"pattern":"^a"},{"pattern":"b$"},{"maxLength":3}]})",
       {"\"ab\"", "\"axb\""},
       {"\"axxb\"", "\"a\""}},
      {R"({"format":"date","pattern":"^20"})", {"\"2024-01-02\""}, {"\"1999-01-02\""}},
      {R"({"pattern":"^.{2,70000}$"})", {"\"ab\""}, {"\"a\""}},
      {R"({"type":"string","not":{"pattern":"^a"}})", {"\"b\"", "\"\""}, {"\"a\"", "\"ab\""}},
      {R"({"type":"string","not":{"enum":["a","ab"]}})", {"\"b\"", "\"abc\"", "\"\""}, {"\"a\"", "\"ab\""}},
      {R"({"type":"string"})", {R"("\ud83d\ude00")"}, {R"("\ud83d")", R"("\ude00")", R"("\ud83dx")"}},
      {R"({"type":"string","maxLength":1})", {R"("\ud83d\ude00")"}, {R"("\ud83d\ude00a")"}},
  });
}

TEST(SchemaKeywords, Values) {
  check({
      {R"({"enum":["a","bcd",3,7.5,null],"type":["string","number"],"minLength":2,"maximum":5})",
       {"\"bcd\"", "3"},
       {"\"a\"", "7.5", "null"}},
      {R"({"const":{"a":[1]},"required":["a"],"properties":{"a":{"items":{"type":"integer"}}}})",
       {"{\"a\":[1]}"},
       {"{}"}},
      {R"({"enum":[1,2,3],"not":{"const":2}})", {"1", "3"}, {"2"}},
      {R"({"type":"string","nullable":true})", {"\"a\"", "null"}, {"1"}},
  });
}

// One branch and no other, as far as the others can be told in few words.
TEST(SchemaKeywords, OneOfIsOneAlone) {
  check({
      {R"({"oneOf":[{"type":"integer"},{"type":"number","minimum":5}]})",
       {"3", "5.5", "-1"},
       {"5", "7", "2.5", "\"x\""}},
      {R"({"oneOf":[{"type":"string","maxLength":3},{"enum":["abc","wxyz",1]}]})",
       {"\"ab\"", "\"wxyz\"", "1"},
       {"\"abc\"", "\"defg\""}},
      {R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"},"c":{"type":"integer"}},
           "oneOf":[{"required":["a"]},{"required":["b"]},{"required":["c"]}]})",
       {"{\"a\":1}", "{\"b\":1}", "{\"c\":1}"},
       {"{}", "{\"a\":1,\"b\":1}", "{\"b\":1,\"c\":1}", "{\"a\":1,\"b\":1,\"c\":1}"}},
      {R"({"oneOf":[{"properties":{"kind":{"const":"a"},"n":{"type":"integer"}},"required":["kind"]},
                    {"properties":{"kind":{"enum":["b","c"]},"n":{"type":"string"}},"required":["kind"]}]})",
       {"{\"kind\":\"a\",\"n\":1}", "{\"kind\":\"c\",\"n\":\"x\"}"},
       {"{\"kind\":\"a\",\"n\":\"x\"}", "{\"kind\":\"d\"}"}},
      {R"({"oneOf":[{"const":1},{"const":1},{"const":2}]})", {"2"}, {"1"}},
  });
}

TEST(SchemaKeywords, Arrays) {
  check({
      {R"({"items":{"type":"integer"},"maxItems":100000,"minItems":2})", {"[1,2]", "[1,2,3]"}, {"[1]", "[]"}},
      {R"({"contains":{"type":"null"},"items":{"type":["null","integer"]}})",
       {"[1,null,2]", "[null]"},
       {"[]", "[1]"}},
      {R"({"contains":{"const":1},"minContains":2,"maxContains":2,"items":{"enum":[1,2]},"maxItems":4})",
       {"[1,1]", "[2,1,2,1]"},
       {"[1]", "[1,1,1]", "[1,2,1,2,2]"}},
      {R"({"items":{"enum":["a","b","c"]},"uniqueItems":true,"minItems":2})",
       {"[\"c\",\"a\"]", "[\"a\",\"b\",\"c\"]"},
       {"[\"a\"]", "[\"a\",\"a\"]", "[\"a\",\"b\",\"a\"]"}},
      {R"({"items":{"enum":[0,1,2,3,4,5,6,7,8,9]},"uniqueItems":true})",
       {"[]", "[9,8,7,6,5,4,3,2,1,0]"},
       {"[9,9]", "[9,8,7,6,5,4,3,2,1,0,9]", "[10]"}},
      {R"({"items":{"enum":["a","b","c","d","e","f","g","h","i","j","k","l","m","n","o"]},"uniqueItems":true,
           "maxItems":3})",
       {"[]", "[\"o\",\"a\",\"n\"]"},
       {"[\"o\",\"a\",\"o\"]", "[\"a\",\"b\",\"c\",\"d\"]"}},
      {R"({"items":[{"type":"null"}],"additionalItems":{"type":"integer"},"minItems":2})",
       {"[null,1]"},
       {"[null]", "[null,null]"}},
  });
}

TEST(SchemaKeywords, Objects) {
  check({
      {R"({"patternProperties":{"^n_":{"type":"integer"},"_s$":{"type":"string"}},"additionalProperties":false})",
       {"{}", "{\"n_a\":1,\"a_s\":\"x\"}"},
       {"{\"n_a\":\"x\"}", "{\"q\":1}", "{\"n_s\":1}"}},
      {R"({"properties":{"n_x":{"minimum":3}},"patternProperties":{"^n_":{"type":"integer"}},"required":["n_x"]})",
       {"{\"n_x\":3}"},
       {"{\"n_x\":2}", "{\"n_x\":3.5}", "{}"}},
      {R"({"type":"object","propertyNames":{"pattern":"^[a-z]+$","maxLength":3},"additionalProperties":{"type":"null"}})",
       {"{}", "{\"abc\":null}"},
       {"{\"abcd\":null}", "{\"A\":null}"}},
      {R"({"properties":{"a":{},"b":{},"c":{}},"minProperties":2,"maxProperties":2})",
       {"{\"a\":1,\"c\":1}", "{\"b\":1,\"c\":2}"},
       {"{\"a\":1}", "{\"a\":1,\"b\":1,\"c\":1}"}},
      {R"({"type":"object","minProperties":1,"maxProperties":50000})", {"{\"a\":1}"}, {"{}"}},
      {R"({"properties":{"a":{},"b":{}},"dependentRequired":{"a":["b"]}})",
       {"{}", "{\"b\":1}", "{\"a\":1,\"b\":1}"},
       {"{\"a\":1}"}},
      {R"({"properties":{"k":{"enum":["x","y"]},"v":{}},"required":["k"],"if":{"properties":{"k":{"const":"x"}}},"then":{"properties":{"v":{"type":"integer"}},"required":["v"]},"else":{"properties":{"v":false}}})",
       {"{\"k\":\"x\",\"v\":1}", "{\"k\":\"y\"}"},
       {"{\"k\":\"x\"}", "{\"k\":\"x\",\"v\":\"s\"}", "{\"k\":\"y\",\"v\":1}"}},
      {R"({"type":"object","properties":{"a":{},"b":{}},"not":{"required":["a","b"]}})",
       {"{\"a\":1}", "{\"b\":1}", "{}"},
       {"{\"a\":1,\"b\":1}"}},
      {R"({"allOf":[{"properties":{"a":{"type":"null"}}},{"properties":{"b":{"type":"null"}}}],"unevaluatedProperties":false})",
       {"{\"a\":null,\"b\":null}"},
       {"{\"c\":null}"}},
  });
}

TEST(SchemaKeywords, References) {
  check({
      {R"({"$id":"https://x.org/s","$defs":{"A":{"$id":"a","$anchor":"q","type":"integer"}},"$ref":"a#q"})",
       {"1"},
       {"\"a\""}},
      {R"({"name":"r","strict":true,"schema":{"$defs":{"A":{"type":"null"}},"$ref":"#/$defs/A"}})",
       {"null"},
       {"1"}},
      {R"({"type":"json_schema","json_schema":{"name":"r","schema":{"type":"null"}}})", {"null"}, {"1"}},
      {R"({"$dynamicAnchor":"n","type":"array","items":{"$dynamicRef":"#n"}})", {"[[],[[]]]"}, {"[1]"}},
      {R"({"$defs":{"n":{"properties":{"next":{"$ref":"#/$defs/n"}},"required":["v"]}},"allOf":[{"$ref":"#/$defs/n"},{"properties":{"v":{"type":"null"}}}]})",
       {"{\"v\":null}", "{\"next\":{\"v\":1},\"v\":null}"},
       {"{\"v\":1}", "{\"next\":{},\"v\":null}"}},
  });
}

// Bounds, multiples and what they exclude, beside comparison in integers.
TEST(SchemaKeywords, BoundsAgreeWithComparison) {
  Random random(5);
  for (int round = 0; round < 60; ++round) {
    const int low = int(random.next() % 4000) - 2000;
    const int high = low + int(random.next() % 2000);
    const int multiple = 1 + int(random.next() % 12);
    const nlohmann::json schema = {{"type", "number"},
                                   {"minimum", low / 100.0},
                                   {"exclusiveMaximum", high / 100.0},
                                   {"multipleOf", multiple / 100.0}};
    const SchemaGrammar made = schema_grammar(schema.dump());
    GrammarMatcher matcher(parse_gbnf(made.gbnf));
    for (int x = -2100; x <= 2100; x += 3) {
      std::string text =
          std::to_string(std::abs(x) / 100) + "." + std::to_string(100 + std::abs(x) % 100).substr(1);
      if (x < 0) text = "-" + text;
      const bool inside = x >= low && x < high && x % multiple == 0;
      ASSERT_EQ(matches(matcher, text), inside) << text << " of " << schema;
    }
  }
}

TEST(SchemaKeywords, AgreeWithTheCases) {
  const std::string path = test::golden("../../cases/schema/expected.json");
  LONGHAND_NEED_GOLDEN(path);
  const auto cases = nlohmann::ordered_json::parse(test::read_text(path));
  for (const auto& [name, one] : cases.items()) {
    if (name == "b2_email") continue;  // formats such as email are annotations, as the other cases have it
    SCOPED_TRACE(name);
    GrammarMatcher matcher(parse_gbnf(schema_grammar(one["schema"].dump()).gbnf));
    for (const auto& text : one["accept"]) EXPECT_TRUE(matches(matcher, text.get<std::string>())) << text;
    for (const auto& text : one["reject"]) EXPECT_FALSE(matches(matcher, text.get<std::string>())) << text;
  }
}

}  // namespace
}  // namespace longhand
