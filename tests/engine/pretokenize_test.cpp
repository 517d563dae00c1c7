#include "engine/text/pretokenize.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "tests/support/vocab_maker.h"

namespace longhand {
namespace {

using Words = std::vector<std::string>;

Words split(const std::string& pre, std::string_view text) {
  Words words;
  PreTokenizer(find_pre_type(pre)->passes).split(text, [&](std::string_view w) { words.emplace_back(w); });
  return words;
}
Words split_regex(std::string_view regex, std::string_view text) {
  Words words;
  Regex(regex).split(text, [&](std::string_view w) { words.emplace_back(w); });
  return words;
}

TEST(Regex, AlternativesAreTriedInOrderNotByLength) {
  EXPECT_EQ(split_regex("a|ab", "ab"), (Words{"a", "b"}));
  EXPECT_EQ(split_regex("ab|a", "abac"), (Words{"ab", "a", "c"}));
  EXPECT_EQ(split_regex("(?:a|ab)(?:c|bcd)", "abcd"), (Words{"abcd"}));
}

TEST(Regex, CountsClassesAndLookahead) {
  EXPECT_EQ(split_regex("[0-9]{1,3}", "12345x"), (Words{"123", "45", "x"}));
  EXPECT_EQ(split_regex("a{2}", "aaaaa"), (Words{"aa", "aa", "a"}));
  EXPECT_EQ(split_regex(R"(\s+(?!\S))", "a   b  "), (Words{"a", "  ", " b", "  "}));
  EXPECT_EQ(split_regex(R"(\s+$)", " a  b  "), (Words{" a  b", "  "}));
  EXPECT_EQ(split_regex(R"([\p{L}&&[^\p{Han}]]+)", "ab\xE4\xB8\xAD"), (Words{"ab", "\xE4\xB8\xAD"}));
  EXPECT_EQ(split_regex(R"([^\x{4E2D}]+)", "a\xE4\xB8\xAD"), (Words{"a", "\xE4\xB8\xAD"}));
  EXPECT_THROW(Regex("(a"), std::invalid_argument);
  EXPECT_THROW(Regex(R"(\p{Xyz})"), std::invalid_argument);
}

TEST(PreTokenizer, WordsOfGpt2) {
  EXPECT_EQ(split("gpt-2", "Hello  world's 42!\n\n x"),
            (Words{"Hello", " ", " world", "'s", " 42", "!", "\n\n", " x"}));
}

TEST(PreTokenizer, Llama3GroupsDigitsFromTheLeftAndIgnoresCaseOfContractions) {
  EXPECT_EQ(split("llama-bpe", "WE'LL pay 12345\r\n\r\n  (now)"),
            (Words{"WE", "'LL", " pay", " ", "123", "45", "\r\n\r\n", " ", " (", "now", ")"}));
}

TEST(PreTokenizer, Qwen2TakesDigitsOneByOne) {
  EXPECT_EQ(split("qwen2", "a 123"), (Words{"a", " ", "1", "2", "3"}));
}

TEST(PreTokenizer, Gpt4oCutsWhereCaseChanges) {
  EXPECT_EQ(split("gpt-4o", "HelloWorld \xC3\x89t\xC3\x89"),
            (Words{"Hello", "World", " \xC3\x89t", "\xC3\x89"}));
}

TEST(PreTokenizer, DigitGroupsFromTheRight) {
  EXPECT_EQ(split("afmoe", "1234567"), (Words{"1", "234", "567"}));
  EXPECT_EQ(split("tiny_aya", "1234 x"), (Words{"1", "234", " x"}));
  EXPECT_EQ(split("tiny_aya", "1234x"), (Words{"123", "4", "x"}));
  EXPECT_EQ(split("superbpe", "a1234567"), (Words{"a", "1", "234", "567"}));
}

TEST(PreTokenizer, KimiKeepsHanApart) {
  EXPECT_EQ(split("kimi-k2",
                  "abc\xE4\xB8\xAD\xE6\x96\x87"
                  "def"),
            (Words{"abc", "\xE4\xB8\xAD\xE6\x96\x87", "def"}));
}

TEST(PreTokenizer, LinesOfGemma4) { EXPECT_EQ(split("gemma4", "a b\n\nc"), (Words{"a b", "\n\n", "c"})); }

TEST(PreTokenizer, EveryTypeCutsAnyTextIntoPartsOfIt) {
  std::mt19937 random(7);
  const std::string parts[] = {"a",
                               "B",
                               " ",
                               "\n",
                               "\r",
                               "1",
                               "'s",
                               "'LL",
                               "!",
                               "\xE4\xB8\xAD",
                               "\xCC\x81",
                               "\xC3\x9F",
                               "\xF0\x9F\x98\x80",
                               "\x80",
                               "\t",
                               "\xC2\xBD",
                               "_",
                               "\xE2\x80\xA6"};
  for (const PreType& type : pre_types()) {
    const PreTokenizer words(type.passes);
    for (int round = 0; round < 200; ++round) {
      std::string text, joined;
      for (int i = 0; i < 30; ++i) text += parts[random() % std::size(parts)];
      words.split(text, [&](std::string_view w) {
        EXPECT_FALSE(w.empty());
        joined += w;
      });
      ASSERT_EQ(joined, text) << type.names;
    }
  }
}

TEST(PreTypes, NamesAreFoundAndUnique) {
  EXPECT_NE(find_pre_type("llama-bpe"), nullptr);
  EXPECT_NE(find_pre_type("whitespace"), nullptr);
  EXPECT_EQ(find_pre_type("llama"), nullptr);  // only whole names
  EXPECT_EQ(find_pre_type(""), nullptr);
  EXPECT_EQ(find_pre_type("dbrx smaug-bpe"), nullptr);
}

double seconds_to_split(const PreTokenizer& words, const std::string& text) {
  const auto start = std::chrono::steady_clock::now();
  std::size_t count = 0;
  words.split(text, [&](std::string_view) { ++count; });
  EXPECT_GT(count, 0u);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Eight times the text must not take anything like 64 times the time, and no more stack.
TEST(PreTokenizer, WorstCaseTextsTakeLinearTimeOnASmallStack) {
  const std::string units[] = {"a",    " ",  "\n",       ".",   "7",   "\xE4\xB8\xAD",
                               "\x80", "<|", "\xCC\x81", "  x", " \n "};
  test::on_small_stack([&] {
    for (const PreType& type : pre_types()) {
      const PreTokenizer words(type.passes);
      for (const std::string& unit : units) {
        std::string text;
        while (text.size() < 16384) text += unit;
        const std::string last = unit == " " ? "x" : "";
        double small = 1e9, large = 1e9;
        std::string long_text;
        for (int i = 0; i < 8; ++i) long_text += text;
        for (int i = 0; i < 3; ++i) {
          small = std::min(small, seconds_to_split(words, text + last));
          large = std::min(large, seconds_to_split(words, long_text + last));
        }
        EXPECT_LT(large, 32 * small + 0.02) << type.names << " on rows of '" << unit << "'";
      }
    }
  });
}

}  // namespace
}  // namespace longhand
