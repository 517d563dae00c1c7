#include "engine/sampling/grammar/grammar.h"
#include "engine/api/access.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <ctime>
#include <limits>
#include <set>

#include "engine/longhand.h"
#include "engine/sampling/grammar/grammar_filter.h"
#include "engine/sampling/grammar/grammar_matcher.h"
#include "engine/text/code_points.h"
#include "ops/error.h"
#include "ops/random.h"
#include "tests/support/allocations.h"
#include "tests/support/grammar_match.h"

namespace longhand {
namespace {

using testing::HasSubstr;

using test::matches;

bool matches(std::string_view grammar, std::string_view text) {
  GrammarMatcher matcher(parse_gbnf(grammar));
  return matches(matcher, text);
}

struct Case {
  std::string_view grammar;
  std::vector<std::string_view> accepted, rejected;
};

TEST(Grammar, AcceptsAndRejects) {
  const Case cases[] = {
      {R"(root ::= "abc")", {"abc"}, {"", "ab", "abcd", "ABC"}},
      {R"(root ::= "a" | "b" "c" |)", {"a", "bc", ""}, {"b", "ac"}},
      {R"(root ::= "a"*)", {"", "a", "aaaa"}, {"b", "ab"}},
      {R"(root ::= "ab"+)", {"ab", "abab"}, {"", "aba", "abb"}},
      {R"(root ::= "a"? "b")", {"b", "ab"}, {"a", "aab"}},
      {R"(root ::= "a"{3})", {"aaa"}, {"aa", "aaaa"}},
      {R"(root ::= "a"{2,})", {"aa", "aaaaaa"}, {"a"}},
      {R"(root ::= "a"{1,3} "b")", {"ab", "aab", "aaab"}, {"b", "aaaab"}},
      {R"(root ::= "a"{0} "b")", {"b"}, {"ab"}},
      {R"(root ::= ("x" "y"){2,3})", {"xyxy", "xyxyxy"}, {"xy", "xyxyxyxy"}},
      {R"(root ::= [a-c0-9_-]+)", {"abc", "a-9_"}, {"d", ""}},
      {R"(root ::= [^"\\\n]+)",
       {"abc", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"},
       {"\"", "a\\", "\n", "\xC3"}},
      {R"(root ::= [\x41-\x43] [\u00e9] [\U0001F600])",
       {"A\xC3\xA9\xF0\x9F\x98\x80"},
       {"D\xC3\xA9\xF0\x9F\x98\x80"}},
      {R"(root ::= [\u0400-\u04FF]+)", {"\xD0\xBF\xD1\x80"}, {"p", "\xD4\x80"}},
      {"root ::= \"\xD0\xBF\\\"\\\\\\n\\t\"", {"\xD0\xBF\"\\\n\t"}, {"p"}},
      {R"(root ::= . .)", {"ab", "\n\xE2\x82\xAC"}, {"a", "\xED\xA0\x80z", "\xC0\x80z", "\xF5\x80\x80\x80z"}},
      {"root ::= a b # comment\n\n# more\na ::= \"1\" |\n  \"2\"\n  | \"3\"\nb ::= (\n \"x\"\n | \"y\" )\n",
       {"1x", "2y", "3x"},
       {"1"}},
      {"root ::= \"(\" root \")\" | \"\"", {"", "()", "((()))"}, {"(", "())"}},
      {"root ::= e\ne ::= t (\"+\" t)*\nt ::= [0-9]+ | \"(\" e \")\"",
       {"1", "1+2", "(1+(23))+4"},
       {"1+", "()"}},
      {"root ::= (\"a\"*)*", {"", "aaa"}, {"b"}},
      {"root ::= ((\"a\"? \"b\"?)* \"c\"?)* \"d\"", {"d", "abcabd", "bbccad"}, {"", "dd"}},
      {"root ::= x x x\nx ::= y?\ny ::= \"q\" |", {"", "q", "qqq"}, {"qqqq"}},
      {"root ::= \"a\" root \"x\" | \"a\" root \"y\" | \"b\"", {"b", "aabxy"}, {"ab"}},
      {"root ::= \"\"", {""}, {"a"}},
  };
  for (const Case& c : cases) {
    for (const auto text : c.accepted) EXPECT_TRUE(matches(c.grammar, text)) << c.grammar << " <- " << text;
    for (const auto text : c.rejected) EXPECT_FALSE(matches(c.grammar, text)) << c.grammar << " <- " << text;
  }
}

// Every character on its own, against the definition of the class.
TEST(Grammar, ClassesAgreeWithCodePoints) {
  GrammarMatcher matcher(parse_gbnf(R"(root ::= [^\u0050-\u07FE\u0FFF-\uE010\U00010000-\U00012345])"));
  for (std::uint32_t c = 0; c <= kMaxCodePoint; c += c < 0x14000 ? 1 : 97) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    const bool excluded =
        (c >= 0x50 && c <= 0x7FE) || (c >= 0xFFF && c <= 0xE010) || (c >= 0x10000 && c <= 0x12345);
    ASSERT_EQ(matches(matcher, encode_utf8(c)), !excluded) << c;
  }
}

std::string refusal(std::string_view grammar) {
  const auto start = std::chrono::steady_clock::now();
  std::string message = "accepted";
  try {
    GrammarMatcher matcher(parse_gbnf(grammar));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::grammar);
    message = error.what();
  }
  const auto elapsed = std::chrono::steady_clock::now() - start;
  EXPECT_LT(elapsed, std::chrono::milliseconds(500))
      << "100 ms on a quiet machine: " << grammar.substr(0, 60);
  return message;
}

TEST(Grammar, MalformedTextIsRefusedWithItsLine) {
  EXPECT_THAT(refusal(""), HasSubstr("no rule \"root\""));
  EXPECT_THAT(refusal("a ::= \"x\""), HasSubstr("no rule \"root\""));
  EXPECT_THAT(refusal("root ::= missing"), HasSubstr("\"missing\" is used but not defined"));
  EXPECT_THAT(refusal("root ::= \"a\"\n\nroot ::= \"b\""),
              HasSubstr("line 3: rule \"root\" is defined twice"));
  EXPECT_THAT(refusal("root = \"a\""), HasSubstr("expected \"::=\""));
  EXPECT_THAT(refusal("root ::= \"a"), HasSubstr("text ends"));
  EXPECT_THAT(refusal("root ::= [a"), HasSubstr("text ends"));
  EXPECT_THAT(refusal("root ::= []"), HasSubstr("matches nothing"));
  EXPECT_THAT(refusal("root ::= [z-a]"), HasSubstr("is empty"));
  EXPECT_THAT(refusal("root ::= (\"a\""), HasSubstr("expected \")\""));
  EXPECT_THAT(refusal("root ::= \"a\")"), HasSubstr("unexpected"));
  EXPECT_THAT(refusal("root ::= *"), HasSubstr("nothing to repeat"));
  EXPECT_THAT(refusal("root ::= \"a\"{"), HasSubstr("number of repetitions"));
  EXPECT_THAT(refusal("root ::= \"a\"{3,1}"), HasSubstr("is empty"));
  EXPECT_THAT(refusal("root ::= \"\\q\""), HasSubstr("unknown escape"));
  EXPECT_THAT(refusal("root ::= \"\\x4\""), HasSubstr("hexadecimal"));
  EXPECT_THAT(refusal("root ::= \"\\uD800\""), HasSubstr("no character"));
  EXPECT_THAT(refusal("root ::= \"\\UFFFFFFFF\""), HasSubstr("no character"));
  EXPECT_THAT(refusal("root ::= \"\xFF\""), HasSubstr("UTF-8"));
  EXPECT_THAT(refusal("root ::= <[3]>"), HasSubstr("no token"));
  EXPECT_THAT(refusal("root ::= <x"), HasSubstr("no '>'"));
}

TEST(Grammar, LeftRecursionIsRefused) {
  for (const std::string_view grammar :
       {"root ::= root \"a\"", "root ::= root", "root ::= a\na ::= b \"x\" | \"y\"\nb ::= a",
        "root ::= n root \"a\" | \"b\"\nn ::= \"c\"?", "root ::= (root)* \"a\"",
        "root ::= \"a\"* (\"b\" | root)"}) {
    EXPECT_THAT(refusal(grammar), HasSubstr("left recursive")) << grammar;
  }
}

TEST(Grammar, BombsAreRefusedOrHarmless) {
  EXPECT_EQ(refusal("root ::= \"a\"{0,1000000000}"), "accepted");  // counted, not written out
  EXPECT_THAT(refusal("root ::= \"a\"{0,99999999999999999999}"), HasSubstr("0..4294967294"));
  EXPECT_THAT(refusal("root ::= " + std::string(60000, '(') + "\"a\"" + std::string(60000, ')')),
              HasSubstr("nest"));
  std::string chain = "root ::= r0\n";
  std::string line = "root ::= ";
  for (int i = 0; i < 5000; ++i) {
    chain += fmt::format("r{} ::= r{}\n", i, i + 1);
    line += "(\"a\") ";
  }
  EXPECT_THAT(refusal(chain + "r5000 ::= \"a\""), HasSubstr("chain"));
  EXPECT_EQ(refusal(line), "accepted");
  EXPECT_THAT(refusal("root ::= ((\"a\"*){0,2000}){0,2000}"), HasSubstr("ambiguous"));
  EXPECT_EQ(refusal("root ::= ((\"a\"*)*)*"), "accepted");
  EXPECT_EQ(refusal("root ::= ((((((\"a\"{2000}){2000}){2000}){2000}){2000}){2000}){2000}"), "accepted");
  std::string large = "root ::= \"";
  large += std::string(600000, 'a') + "\"";
  EXPECT_THAT(refusal(large), HasSubstr("symbols"));
  EXPECT_THAT(refusal(std::string(5u << 20, '\n')), HasSubstr("bytes"));
}

TEST(Grammar, OptionalCopiesAreLinear) {
  std::string grammar = "root ::= ";
  for (int i = 0; i < 1000; ++i) grammar += "\"x\"? ";
  GrammarMatcher matcher(parse_gbnf(grammar));
  EXPECT_TRUE(matches(matcher, std::string(1000, 'x')));
  EXPECT_FALSE(matches(matcher, std::string(1001, 'x')));
}

TEST(Grammar, LongInputKeepsStateSmall) {
  GrammarMatcher matcher(parse_gbnf("root ::= item (\",\" item)*\nitem ::= [a-z]+"));
  std::string text = "abc";
  for (int i = 0; i < 100000; ++i) text += ",xyz";
  EXPECT_TRUE(matches(matcher, text));
  EXPECT_LT(matcher.size(), 20u);
}

TEST(Grammar, ExplodingAmbiguityIsAnErrorNotAHang) {
  GrammarMatcher matcher(parse_gbnf("root ::= \"a\" root \"x\" | \"a\" root \"y\" | \"b\""));
  EXPECT_THROW(matches(matcher, std::string(200, 'a')), Error);
}

TEST(Grammar, ForgettingKeepsThePlace) {
  GrammarMatcher matcher(parse_gbnf("root ::= \"(\" root \")\" root | \"[\" root \"]\" | \"\""));
  GrammarMatcher::State state = matcher.start();
  for (const char c : std::string_view("(([(")) state = matcher.step(state, std::uint8_t(c));
  state = matcher.forget(state);
  EXPECT_LT(matcher.size(), 4u);
  for (const char c : std::string_view(")]))")) state = matcher.step(state, std::uint8_t(c));
  EXPECT_TRUE(matcher.can_end(state));
}

// A vocabulary of words, bytes and one end token (id 0).
TokenTable vocabulary(std::vector<std::string> pieces) {
  TokenTable table;
  table.size = int(pieces.size());
  table.piece = [pieces](Token t) { return pieces.at(std::size_t(t)); };
  table.ends_generation = [](Token t) { return t == 0; };
  table.find = [](std::string_view text) { return text == "<tool>" ? 1 : kNoToken; };
  return table;
}

std::vector<Token> allowed(GrammarFilter& filter, const TokenTable& table) {
  std::vector<float> logits(std::size_t(table.size), 0.0f);
  filter.mask(logits);
  std::vector<Token> out;
  for (Token t = 0; t < table.size; ++t) {
    const bool open = logits[std::size_t(t)] == 0.0f;
    EXPECT_EQ(open, filter.allows(t)) << "mask and single test disagree on " << t;
    if (open) out.push_back(t);
  }
  return out;
}

TEST(GrammarFilter, MasksTokensByTheirBytes) {
  const TokenTable table =
      vocabulary({"", "", "a", "ab", "abc", "b", "\xC3", "\xA9", "\xC3\xA9", "c", "abd"});
  GrammarFilter filter("root ::= \"ab\" [\\u00e9]? \"c\"", table);
  EXPECT_THAT(allowed(filter, table), testing::ElementsAre(2, 3, 4));
  filter.accept(3);
  EXPECT_THAT(allowed(filter, table), testing::ElementsAre(6, 8, 9));
  filter.accept(6);
  EXPECT_THAT(allowed(filter, table), testing::ElementsAre(7)) << "inside a character";
  filter.accept(7);
  filter.accept(9);
  EXPECT_THAT(allowed(filter, table), testing::ElementsAre(0)) << "only the end is left";
  filter.accept(0);
  EXPECT_THAT(allowed(filter, table), testing::ElementsAre(2, 3, 4)) << "the next answer";
  filter.accept(2);
  filter.reset();
  EXPECT_THAT(allowed(filter, table), testing::ElementsAre(2, 3, 4));
}

TEST(GrammarFilter, TokenLiterals) {
  const TokenTable table = vocabulary({"", "", "a", "b", "c"});
  GrammarFilter filter("root ::= <tool> !<[2]> \"c\"", table);
  EXPECT_THAT(allowed(filter, table), testing::ElementsAre(1));
  filter.accept(1);
  EXPECT_THAT(allowed(filter, table), testing::ElementsAre(0, 1, 3, 4));
  filter.accept(3);
  EXPECT_THAT(allowed(filter, table), testing::ElementsAre(4));
  EXPECT_THROW(GrammarFilter("root ::= <[5]>", table), Error);
  EXPECT_THROW(GrammarFilter("root ::= <other>", table), Error);
}

// Thousands of ways that stay open whatever comes, and another stack after every text.
std::string endless() {
  std::string grammar = "root ::= x";
  for (int i = 0; i < 3000; ++i) grammar += fmt::format(" | [a-z ]+ \"{:04}\"", i);
  grammar += "\nx ::= \"0\"";
  for (char c = 'a'; c <= 'z'; ++c) grammar += fmt::format(" | \"{}\" x \"{}\"", c, int(c));
  return grammar;
}

TEST(GrammarFilter, ATokenThatWouldTakeMinutesIsAnError) {
  std::vector<std::string> pieces = {"", "a", "b"};
  for (char a = 'a'; a <= 'z'; ++a) {
    for (char b = 'a'; b <= 'z'; ++b) {
      for (char c = 'a'; c <= 'z'; ++c) pieces.push_back({a, b, c});
    }
  }
  const TokenTable table = vocabulary(pieces);
  GrammarFilter filter(endless(), table);
  for (int i = 0; i < 2; ++i) {
    std::vector<float> logits(pieces.size(), 0.0f);
    const test::AllocationMeter meter;
    const std::clock_t start = std::clock();
    try {
      filter.mask(logits);
      FAIL() << "all was looked at";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::grammar);
      EXPECT_THAT(error.what(), HasSubstr("too ambiguous"));
    }
    EXPECT_LT(double(std::clock() - start) / CLOCKS_PER_SEC, 10.0);
    EXPECT_LT(meter.peak_bytes(), 2 * GrammarMatcher::kMaxBytes);
    EXPECT_EQ(logits, std::vector<float>(pieces.size(), 0.0f));
    // The place is still the old one, and single tokens are no trouble.
    EXPECT_TRUE(filter.allows(1));
    filter.accept(1);
    EXPECT_TRUE(filter.allows(2));
    EXPECT_FALSE(filter.allows(0));
  }
}

TEST(Grammar, WhatIsLearntStaysWithinBounds) {
  GrammarMatcher matcher(
      parse_gbnf("root ::= \"a\" root \"0\" | \"b\" root \"1\" | \"c\" root \"2\" | [d-z] [A-Z]* [^x] root "
                 "\"3\" | \"!\""));
  Random random(1);
  const test::AllocationMeter meter;
  GrammarMatcher::State state = matcher.start();
  const auto read_on = [&] {
    for (int i = 0; i < 5'000'000; ++i) {
      matcher.start_work();
      state = matcher.step(state, std::uint8_t('a' + random.next() % 3));
    }
  };
  EXPECT_THROW(read_on(), Error);
  EXPECT_LT(meter.peak_bytes(), 4 * GrammarMatcher::kMaxBytes) << "vectors that grow are there twice";
  state = matcher.forget(matcher.start());
  EXPECT_LT(matcher.bytes(), 10'000u);
}

TEST(GrammarFilter, RandomWalksAgreeWithTheSingleTest) {
  std::vector<std::string> pieces = {""};
  Random random(3);
  for (int i = 0; i < 400; ++i) {
    std::string piece;
    for (std::uint64_t n = 1 + random.next() % 4; n > 0; --n)
      piece += "{}[]\",:0123ab \\"[random.next() % 15];
    pieces.push_back(piece);
  }
  const TokenTable table = vocabulary(pieces);
  GrammarFilter filter(
      "root ::= value\nvalue ::= object | array | string | number\nobject ::= \"{\" (pair (\",\" pair)*)? "
      "\"}\"\n"
      "pair ::= string \":\" value\narray ::= \"[\" (value (\",\" value)*)? \"]\"\n"
      "string ::= \"\\\"\" ([^\"\\\\] | \"\\\\\" [\"\\\\])* \"\\\"\"\nnumber ::= [0-9]+",
      table);
  for (int step = 0; step < 100; ++step) {
    const std::vector<Token> open = allowed(filter, table);
    ASSERT_FALSE(open.empty());
    filter.accept(open[random.next() % open.size()]);
  }
}

// Uniform logits, so that the end and long texts are both likely.
TEST(SamplerGrammar, OnlyConformingTextIsDrawn) {
  const TokenTable table = vocabulary({"", "", "yes", "no", "y", "e", "s", "maybe", "n", "o"});
  SamplerOptions options;
  options.seed = 1;
  options.grammar = "root ::= \"yes\" | \"no\" | \"so\" \"so\"*";
  Sampler sampler = Access::sampler(options, table);
  GrammarMatcher matcher(parse_gbnf(options.grammar));
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    std::string text;
    for (Token t = -1; t != 0;) {
      t = sampler.pick(std::vector<float>(10, 0.0f));
      text += table.piece(t);
    }
    ASSERT_TRUE(matches(matcher, text)) << text;
    seen.insert(text);
  }
  EXPECT_GE(seen.size(), 4u);
}

TEST(SamplerGrammar, DeadEndIsAnErrorAndChangesNothing) {
  const TokenTable table = vocabulary({"", "", "a", "b"});
  SamplerOptions options;
  options.grammar = "root ::= \"az\"";
  Sampler sampler = Access::sampler(options, table);
  EXPECT_EQ(sampler.pick(std::vector<float>(4, 0.0f)), 2);
  for (int i = 0; i < 2; ++i) {
    try {
      sampler.pick(std::vector<float>(4, 0.0f));
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::grammar);
      EXPECT_THAT(error.what(), HasSubstr("after 1 tokens"));
    }
  }
  options.grammar = "root ::= (";
  EXPECT_THROW(Access::sampler(options, table), Error);
}

}  // namespace
}  // namespace longhand
