#include "engine/text/unigram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>

#include "ops/error.h"
#include "tests/support/cpu_time.h"
#include "tests/support/vocab_maker.h"

namespace longhand {
namespace {

using test::VocabMaker;
using Ids = std::vector<Token>;

VocabMaker small_vocab() {
  VocabMaker maker(VocabKind::unigram);
  maker.vocab().unk = maker.add("<unk>", TokenType::unknown);
  maker.add("a", TokenType::normal, -1.0f);
  maker.add("b", TokenType::normal, -1.5f);
  maker.add("ab", TokenType::normal, -2.0f);
  maker.add("ba", TokenType::normal, -2.2f);
  maker.add("aba", TokenType::normal, -3.4f);
  return maker;
}

Ids encode(const Vocab& vocab, std::string_view text) {
  Ids out;
  Unigram(vocab).encode(text, true, out);
  return out;
}

// All segmentations into tokens 1..5 with their log-probabilities.
void enumerate(const Vocab& vocab, std::string_view rest, const Ids& path, double score,
               std::map<Ids, double>& all) {
  if (rest.empty()) all[path] = score;
  for (Token t = 1; t <= 5; ++t) {
    const auto i = std::size_t(t);
    if (!rest.starts_with(vocab.tokens[i])) continue;
    Ids longer = path;
    longer.push_back(t);
    enumerate(vocab, rest.substr(vocab.tokens[i].size()), longer, score + vocab.scores[i], all);
  }
}

TEST(Unigram, FindsTheMostProbableSegmentation) {
  VocabMaker maker = small_vocab();
  for (const char* text : {"a", "ab", "aba", "abab", "bababa", "aabbaabab"}) {
    std::map<Ids, double> all;
    enumerate(maker.vocab(), text, {}, 0, all);
    const auto best =
        std::max_element(all.begin(), all.end(), [](auto& x, auto& y) { return x.second < y.second; });
    EXPECT_EQ(encode(maker.vocab(), text), best->first) << text;
  }
}

// Longer than the window in which segmentations are compared, with rows of unknown characters across its
// ends.
TEST(Unigram, LongTextsHaveTheMostProbableSegmentationToo) {
  VocabMaker maker = small_vocab();
  const Vocab& vocab = maker.vocab();
  std::mt19937 random(13);
  for (const std::size_t unknown_every : {std::size_t{7}, std::size_t{30'000}}) {
    std::string text;
    while (text.size() < 100'000) text += random() % unknown_every == 0 ? 'x' : char('a' + random() % 2);
    if (unknown_every > 7) text.replace(10'000, 40'000, std::string(40'000, 'x'));
    // best[i]: the way to the first i bytes, by the definition.
    constexpr double kUnknown = -3.4 - 10;
    std::vector<double> best(text.size() + 1, -1e300);
    std::vector<std::pair<std::size_t, Token>> last(text.size() + 1);
    best[0] = 0;
    const auto offer = [&](std::size_t begin, std::size_t size, Token token, double score) {
      if (best[begin] + score > best[begin + size]) {
        best[begin + size] = best[begin] + score;
        last[begin + size] = {begin, token};
      }
    };
    for (std::size_t at = 0; at < text.size(); ++at) {
      for (Token t = 5; t >= 1; --t) {
        const auto i = std::size_t(t);
        if (std::string_view(text).substr(at).starts_with(vocab.tokens[i]))
          offer(at, vocab.tokens[i].size(), t, double{vocab.scores[i]});
      }
      if (text[at] == 'x') offer(at, 1, 0, kUnknown);
    }
    Ids expected;
    for (std::size_t at = text.size(); at > 0; at = last[at].first) {
      if (last[at].second != 0 || expected.empty() || expected.back() != 0)
        expected.push_back(last[at].second);
    }
    std::reverse(expected.begin(), expected.end());
    EXPECT_EQ(encode(vocab, text), expected) << unknown_every;
  }
}

TEST(Unigram, UnknownCharactersMergeIntoOneToken) {
  VocabMaker maker = small_vocab();
  EXPECT_EQ(encode(maker.vocab(),
                   "aXY\xC3\xA9"
                   "b"),
            (Ids{1, 0, 2}));
}

TEST(Unigram, SamplesEverySegmentationAsOftenAsItsProbabilitySays) {
  VocabMaker maker = small_vocab();
  const Unigram unigram(maker.vocab());
  for (const double alpha : {0.0, 0.7, 2.0}) {
    std::map<Ids, double> all;
    enumerate(maker.vocab(), "ababa", {}, 0, all);
    double total = 0;
    for (auto& [ids, score] : all) total += std::exp(alpha * score);
    std::mt19937_64 random(11);
    std::map<Ids, int> seen;
    constexpr int kDraws = 20000;
    for (int i = 0; i < kDraws; ++i) {
      Ids ids;
      unigram.sample("ababa", alpha, random, ids);
      ++seen[ids];
    }
    // 5 standard deviations of a binomial share. Paths through <unk> have weight exp(-13.4 alpha) and more of
    // it; with alpha 0 none is possible, because a token covers every character.
    for (const auto& [ids, score] : all) {
      const double p = std::exp(alpha * score) / total;
      EXPECT_NEAR(seen[ids] / double{kDraws}, p, 5 * std::sqrt(p / kDraws) + 1e-4);
    }
  }
}

TEST(Unigram, NormalisesSpaces) {
  const std::string m = "\xE2\x96\x81";
  VocabMaker maker = small_vocab();
  EXPECT_EQ(Unigram(maker.vocab()).normalize(" a  b "), m + "a" + m + m + "b" + m);
  maker.vocab().add_space_prefix = true;
  EXPECT_EQ(Unigram(maker.vocab()).normalize("a"), m + "a");
  maker.vocab().remove_extra_whitespaces = true;
  EXPECT_EQ(Unigram(maker.vocab()).normalize("  a  b  "), m + "a" + m + "b");
}

std::vector<std::byte> blob(std::vector<std::uint32_t> words, std::size_t extra = 0) {
  std::vector<std::byte> bytes(words.size() * 4 + extra);
  std::memcpy(bytes.data(), words.data(), words.size() * 4);
  return bytes;
}

// The unit of a node: what its children's numbers are XORed with, whether a value is at that number, its
// label.
std::uint32_t unit(std::uint32_t offset, bool value, std::uint32_t label) {
  return offset << 10 | (value ? 1u << 8 : 0u) | label;
}

// A root without offset whose child 'a' leads back to where the root's children are.
std::vector<std::uint32_t> endless_trie() {
  std::vector<std::uint32_t> words(1 + 128);
  words[0] = 128 * 4;
  words[1 + 'a'] = unit('a', false, 'a');
  return words;
}

TEST(CharsMap, ATrieThatLeadsBackToItselfMatchesNoLongText) {
  const auto bytes = blob(endless_trie());
  const CharsMap map(bytes);
  // Without a bound on the length this was quadratic and took minutes.
  const std::string text(1'000'000, 'a');
  const double seconds = test::cpu_seconds_of([&] {
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (map.longest(std::string_view(text).substr(at)).length != 0) FAIL() << at;
    }
  });
  EXPECT_LT(seconds, 10);
}

template <class Work>
bool throws(Work&& work) {
  try {
    work();
    return false;
  } catch (const Error&) { return true; }
}

TEST(CharsMap, ReplacesSequencesOfUpTo256Bytes) {
  // 'b' ends the run of 'a' and has a value, which stands at the children's offset of its unit.
  std::vector<std::uint32_t> words = endless_trie();
  words[1 + 'b'] = unit('b' ^ 5, true, 'b');
  words[1 + 5] = 1u << 31;  // the replacement at byte 0
  for (const std::size_t size : {1u, 255u, 256u, 257u}) {
    const std::string sequence = std::string(size - 1, 'a') + "b";
    auto bytes = blob(words, 300);
    std::memcpy(bytes.data() + words.size() * 4, "xyz", 4);
    const CharsMap::Match match = CharsMap(bytes).longest(sequence + "c");
    EXPECT_EQ(match.length, size <= 256 ? size : 0);
    EXPECT_EQ(match.replacement, size <= 256 ? "xyz" : "");
    // One that goes on for 257 bytes would let a file blow a text up.
    std::memset(bytes.data() + words.size() * 4, 'x', 257);
    EXPECT_EQ(throws([&] { CharsMap(bytes).longest(sequence); }), size <= 256);
  }
}

TEST(CharsMap, RefusesBlobsThatPointOutsideThemselves) {
  for (std::size_t size = 1; size < 4; ++size) {
    EXPECT_THROW(CharsMap(std::vector<std::byte>(size)), Error);
  }
  EXPECT_THROW(CharsMap(blob({0xFFFFFFFF})), Error);
  EXPECT_THROW(CharsMap(blob({8, 0})), Error);
  EXPECT_THROW(CharsMap(blob({6, 0, 0})), Error);
  const auto far = blob({4, 0x7FFFFC00});  // the root's children lie far outside
  EXPECT_THROW(CharsMap(far).longest("a"), Error);
  const auto none = blob({0});
  EXPECT_EQ(CharsMap({}).longest("a").length, 0u);
  EXPECT_THROW(CharsMap(none).longest("a"), Error) << "a trie without a root is no trie";
}

}  // namespace
}  // namespace longhand
