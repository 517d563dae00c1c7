#include "engine/text/spm.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/support/vocab_maker.h"

namespace longhand {
namespace {

using test::VocabMaker;
const std::string kMark = "\xE2\x96\x81";

std::vector<Token> encode(const Vocab& vocab, std::string_view text, bool starts_text = true) {
  std::vector<Token> out;
  Spm(vocab).encode(text, starts_text, out);
  return out;
}

// The definition: of all neighbours whose join is a token, the one of highest score, leftmost first.
std::vector<std::string> merge_by_definition(std::vector<std::string> parts,
                                             const std::map<std::string, float>& scores) {
  for (;;) {
    std::size_t at = parts.size();
    float best = 0;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto token = scores.find(parts[i] + parts[i + 1]);
      if (token != scores.end() && (at == parts.size() || token->second > best)) best = token->second, at = i;
    }
    if (at == parts.size()) return parts;
    parts[at] += parts[at + 1];
    parts.erase(parts.begin() + std::ptrdiff_t(at) + 1);
  }
}

TEST(Spm, FollowsTheDefinitionOnRandomTexts) {
  const std::map<std::string, float> scores = {
      {"a", -20},         {"b", -21},        {kMark, -22},       {"ab", -3},  {"ba", -2},
      {"aa", -3},         {"aab", 1.5f},     {"bab", -1},        {"abab", 0}, {kMark + "a", -2.5f},
      {kMark + "ab", -4}, {"b" + kMark, -6}, {kMark + kMark, -1}};
  VocabMaker maker(VocabKind::spm);
  maker.add_bytes();
  for (const auto& [text, score] : scores) maker.add(text, TokenType::normal, score);
  const Spm spm(maker.vocab());
  std::mt19937 random(5);
  for (int round = 0; round < 400; ++round) {
    std::string text;
    std::vector<std::string> parts;
    for (std::size_t i = random() % 90 + 1; i > 0; --i) {
      const char c = "aab "[random() % 4];
      text += c;
      parts.push_back(c == ' ' ? kMark : std::string(1, c));
    }
    std::vector<Token> ids;
    spm.encode(text, false, ids);
    std::vector<std::string> got;
    for (const Token id : ids) got.emplace_back(maker.vocab().tokens[std::size_t(id)]);
    ASSERT_EQ(got, merge_by_definition(parts, scores)) << text;
  }
}

TEST(Spm, FollowsTheDefinitionOnLinesOfManyWindows) {
  const std::map<std::string, float> scores = {{"a", -20},
                                               {"b", -21},
                                               {"\xC3\xA9", -19},
                                               {"ab", -3},
                                               {"ba", -2},
                                               {"aa", -3},
                                               {"aab", 1.5f},
                                               {"abab", 0},
                                               {"\xC3\xA9"
                                                "a",
                                                -5},
                                               {"aaaa", -1},
                                               {"aaaaaaaa", 2}};
  VocabMaker maker(VocabKind::spm);
  maker.add_bytes();
  for (const auto& [text, score] : scores) maker.add(text, TokenType::normal, score);
  const Spm spm(maker.vocab());
  std::mt19937 random(9);
  for (std::size_t period = 1; period <= 1024; period *= 4) {
    std::string text;
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < 6000; ++i) {
      const char* const letters[] = {"a", "a", "b", "\xC3\xA9"};
      parts.push_back(i < period ? letters[random() % 4] : parts[i - period]);
      text += parts.back();
    }
    std::vector<Token> ids;
    spm.encode(text, false, ids);
    std::vector<std::string> got;
    for (const Token id : ids) got.emplace_back(maker.vocab().tokens[std::size_t(id)]);
    ASSERT_EQ(got, merge_by_definition(parts, scores)) << period;
  }
}

TEST(Spm, SpacePrefixOnlyWhereTextStarts) {
  VocabMaker maker(VocabKind::spm);
  const Token a = maker.add("a"), mark = maker.add(kMark);
  maker.vocab().add_space_prefix = true;
  EXPECT_EQ(encode(maker.vocab(), "a"), (std::vector<Token>{mark, a}));
  EXPECT_EQ(encode(maker.vocab(), "a", false), (std::vector<Token>{a}));
}

TEST(Spm, BytesStandInForMissingCharacters) {
  VocabMaker maker(VocabKind::spm);
  maker.add_bytes();
  EXPECT_EQ(encode(maker.vocab(), "\xC3\xA9\xFF"), (std::vector<Token>{0xC3, 0xA9, 0xFF}));
}

TEST(Spm, ControlTokensAreNeverMadeByMerging) {
  VocabMaker maker(VocabKind::spm);
  for (const char* text : {"<", "s", ">", "<s"}) maker.add(text, TokenType::normal, -1);
  const Token control = maker.add("<s>", TokenType::control, 0);
  for (const Token id : encode(maker.vocab(), "<s>")) EXPECT_NE(id, control);
}

}  // namespace
}  // namespace longhand
