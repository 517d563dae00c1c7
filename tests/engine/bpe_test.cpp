#include "engine/text/bpe.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <random>

#include "tests/support/vocab_maker.h"

namespace longhand {
namespace {

using test::byte_level_vocab;
using test::VocabMaker;

std::vector<Token> encode(const Vocab& vocab, std::string_view text) {
  std::vector<Token> out;
  Bpe(vocab).encode(text, true, out);
  return out;
}

// The definition: merge the pair of lowest rank, leftmost first, until there is none.
std::vector<std::string> merge_by_definition(const std::string& word,
                                             const std::vector<std::string>& merges) {
  std::map<std::string, std::size_t> ranks;
  for (std::size_t i = 0; i < merges.size(); ++i) ranks.try_emplace(merges[i], i);
  std::vector<std::string> parts;
  for (const char c : word) parts.emplace_back(1, c);
  for (;;) {
    std::size_t best = merges.size(), at = 0;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto rank = ranks.find(parts[i] + " " + parts[i + 1]);
      if (rank != ranks.end() && rank->second < best) best = rank->second, at = i;
    }
    if (best == merges.size()) return parts;
    parts[at] += parts[at + 1];
    parts.erase(parts.begin() + std::ptrdiff_t(at) + 1);
  }
}

TEST(Bpe, FollowsTheDefinitionOnRandomWordsOfAnyLength) {
  std::mt19937 random(3);
  const std::vector<std::string> merges = {"b c",  "a b",   "a a",  "c a",   "aa b",
                                           "bc a", "aa aa", "ab c", "ca bc", "c c"};
  VocabMaker maker = byte_level_vocab(merges);
  const Bpe bpe(maker.vocab());
  for (int round = 0; round < 400; ++round) {
    std::string word;
    for (std::size_t i = random() % 120 + 1; i > 0; --i) word += char('a' + random() % 3);
    std::vector<Token> ids;
    bpe.encode(word, true, ids);
    std::vector<std::string> got;
    for (const Token id : ids) got.emplace_back(maker.vocab().tokens[std::size_t(id)]);
    ASSERT_EQ(got, merge_by_definition(word, merges)) << word;
  }
}

// Words longer than what is merged at once: all of one letter, periodic ones, and random ones.
TEST(Bpe, FollowsTheDefinitionOnWordsOfManyWindows) {
  std::mt19937 random(7);
  const std::vector<std::string> merges = {"b c",  "a b",   "a a",  "c a",   "aa b",
                                           "bc a", "aa aa", "ab c", "ca bc", "aaaa aaaa"};
  VocabMaker maker = byte_level_vocab(merges);
  const Bpe bpe(maker.vocab());
  for (int round = 0; round < 8; ++round) {
    const std::size_t period = std::size_t{1} << round;
    std::string word;
    for (std::size_t i = 0; i < 5000 + random() % 5000; ++i)
      word += i < period ? char('a' + random() % 3) : word[i - period];
    std::vector<Token> ids;
    bpe.encode(word, true, ids);
    std::vector<std::string> got;
    for (const Token id : ids) got.emplace_back(maker.vocab().tokens[std::size_t(id)]);
    ASSERT_EQ(got, merge_by_definition(word, merges)) << period;
  }
}

// Which of two neighbours a letter joins depends on the end of a row longer than a window.
TEST(Bpe, WindowsGrowWhereTheEndOfALongWordDecides) {
  std::vector<std::string> merges;
  const std::string letters = "abcdefghijklmnopqrstuvwxyz";
  // The later of two letters of the alphabet joins first: each pair waits for the one after it.
  for (std::size_t i = letters.size() - 1; i > 0; --i) merges.push_back({letters[i - 1], ' ', letters[i]});
  VocabMaker maker = byte_level_vocab(merges);
  const Bpe bpe(maker.vocab());
  std::string word;
  while (word.size() < 9000) word += letters.substr(0, 1 + word.size() % letters.size());
  std::vector<Token> ids;
  bpe.encode(word, true, ids);
  std::vector<std::string> got;
  for (const Token id : ids) got.emplace_back(maker.vocab().tokens[std::size_t(id)]);
  EXPECT_EQ(got, merge_by_definition(word, merges));
}

TEST(Bpe, AWordThatIsATokenWinsOverItsMergesOnlyIfAskedTo) {
  VocabMaker maker = byte_level_vocab({"a b"});
  const Token abc = maker.add("abc");  // no merge leads to it
  EXPECT_EQ(encode(maker.vocab(), "abc").size(), 2u);
  maker.vocab().ignore_merges = true;
  EXPECT_EQ(encode(maker.vocab(), "abc"), std::vector<Token>{abc});
}

TEST(Bpe, MergesThroughPartsThatAreNoTokensEndInBytes) {
  VocabMaker maker(VocabKind::bpe);
  maker.vocab().pre = "gpt-2";
  const Token a = maker.add("a"), b = maker.add("b"), c = maker.add("c"), abc = maker.add("abc");
  maker.merge("a b");  // "ab" is no token
  maker.merge("ab c");
  EXPECT_EQ(encode(maker.vocab(), "abc"), std::vector<Token>{abc});
  EXPECT_EQ(encode(maker.vocab(), "abac"), (std::vector<Token>{a, b, a, c}));
}

TEST(Bpe, ControlTokensAreNeverMadeByMerging) {
  VocabMaker maker = byte_level_vocab({});
  const Token control = maker.add("<x>", TokenType::control);
  for (const char* merge : {"< x", "<x >"}) maker.merge(merge);
  maker.vocab().ignore_merges = true;
  for (const Token id : encode(maker.vocab(), "<x> a<x>")) EXPECT_NE(id, control);
}

TEST(Bpe, BrokenMergesAreSkipped) {
  VocabMaker maker = byte_level_vocab({"a b"});
  for (const char* merge : {"", " ", "ab", "a ", " b", "a  b", "zz qq"}) maker.merge(merge);
  EXPECT_EQ(encode(maker.vocab(), "ab").size(), 1u);
}

TEST(Bpe, RawKindFallsBackToByteTokens) {
  VocabMaker maker(VocabKind::bpe_raw);
  maker.vocab().pre = "gemma4";
  maker.add_bytes();
  const Token a = maker.add("a"), mark = maker.add("\xE2\x96\x81"),
              joined = maker.add(
                  "\xE2\x96\x81"
                  "a");
  const Token newlines = maker.add("\n\n");
  maker.merge("\xE2\x96\x81 a");
  EXPECT_EQ(encode(maker.vocab(), "a a "), (std::vector<Token>{a, joined, mark}));
  EXPECT_EQ(encode(maker.vocab(), "a\n\n\xC3\xA9"), (std::vector<Token>{a, newlines, 0xC3, 0xA9}));
}

TEST(Bpe, LongWordsTakeAboutLinearTime) {
  VocabMaker maker = byte_level_vocab({"a a", "aa aa", "aaaa aaaa", "b a", "ba b"});
  const Bpe bpe(maker.vocab());
  const auto seconds = [&](std::size_t size) {
    std::string word;
    while (word.size() < size) word += "aab";
    double best = 1e9;
    for (int i = 0; i < 3; ++i) {
      const auto start = std::chrono::steady_clock::now();
      std::vector<Token> out;
      bpe.encode(word, true, out);
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
  };
  test::on_small_stack([&] { EXPECT_LT(seconds(1 << 18), 64 * seconds(1 << 15) / 2 + 0.02); });
}

}  // namespace
}  // namespace longhand
