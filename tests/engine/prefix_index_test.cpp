#include "engine/text/prefix_index.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/support/cpu_time.h"

namespace longhand {
namespace {

std::vector<PrefixIndex::Entry> numbered(const std::vector<std::string>& texts) {
  std::vector<PrefixIndex::Entry> entries;
  for (const std::string& text : texts) entries.push_back({text, Token(entries.size())});
  return entries;
}

std::string random_text(std::mt19937& random, std::size_t longest) {
  std::string text(random() % (longest + 1), 'a');
  for (char& c : text) c = "ab\x7F\xFF"[random() % 8 < 5 ? 0 : random() % 4];
  return text;
}

// Against comparing with every entry, over an alphabet so small that most entries begin with others.
TEST(PrefixIndex, FindsEveryEntryATextBeginsWith) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> texts(round % 4 == 0 ? 300 + random() % 2000 : random() % 40);
    for (std::string& text : texts) text = random_text(random, 12);
    const PrefixIndex index(numbered(texts));
    for (int i = 0; i < 100; ++i) {
      const std::string text = random_text(random, 20);
      std::vector<Token> expected;  // longest first, the lowest of equal ones
      for (std::size_t size = text.size(); size > 0; --size) {
        const auto equal = std::find(texts.begin(), texts.end(), text.substr(0, size));
        if (equal != texts.end()) expected.push_back(Token(equal - texts.begin()));
      }
      std::vector<Token> found;
      index.for_each_prefix(text, [&](std::uint32_t e) { found.push_back(index.entries()[e].token); });
      EXPECT_EQ(found, expected) << text;
      const std::uint32_t longest = index.longest_prefix(text);
      const Token token = longest == PrefixIndex::kNone ? kNoToken : index.entries()[longest].token;
      EXPECT_EQ(token, expected.empty() ? kNoToken : expected[0]) << text;
    }
  }
}

TEST(PrefixIndex, NothingIsFoundInNothing) {
  EXPECT_EQ(PrefixIndex().longest_prefix("a"), PrefixIndex::kNone);
  const std::vector<std::string> texts = {"", "a"};
  EXPECT_EQ(PrefixIndex(numbered(texts)).longest_prefix(""), PrefixIndex::kNone);
  EXPECT_EQ(PrefixIndex(numbered(texts)).entries().size(), 1u);
}

// Two tokens that begin alike for as long as the text goes: descending byte by byte took half a minute here.
TEST(PrefixIndex, TokensThatBeginAlikeCostOneComparison) {
  constexpr std::size_t kBytes = 100'000;
  const std::string same(kBytes, 'a');
  const std::vector<std::string> texts = {same + "b", same + "c"};
  const PrefixIndex index(numbered(texts));
  const double seconds = test::cpu_seconds_of([&] {
    for (std::size_t at = 0; at < kBytes; ++at) {
      if (index.longest_prefix(std::string_view(same).substr(at)) != PrefixIndex::kNone) FAIL() << at;
    }
  });
  EXPECT_LT(seconds, 4);
}

}  // namespace
}  // namespace longhand
