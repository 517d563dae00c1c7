#include "engine/text/wordpiece.h"

#include <gtest/gtest.h>

#include "tests/support/cpu_time.h"
#include "tests/support/vocab_maker.h"

namespace longhand {
namespace {

using Words = std::vector<std::string>;

// Without their marks.
Words words_of(const WordPiece& pieces, std::string_view text) {
  Words words;
  pieces.for_each_word(text, [&](std::string_view word) {
    EXPECT_TRUE(word.starts_with("\xE2\x96\x81"));
    words.emplace_back(word.substr(3));
  });
  return words;
}

TEST(WordPiece, NormalisesAndCutsIntoWords) {
  test::VocabMaker maker(VocabKind::wordpiece);
  const WordPiece pieces(maker.vocab());
  EXPECT_EQ(words_of(pieces, "Hello,  W\xC3\x96rld!"), (Words{"hello", ",", "world", "!"}));
  EXPECT_EQ(words_of(pieces, "a\xCC\x81$\xE4\xB8\xAD\xE6\x96\x87z"),
            (Words{"a", "$", "\xE4\xB8\xAD", "\xE6\x96\x87", "z"}));
  EXPECT_EQ(words_of(pieces, std::string_view("a\0b\x01"
                                              "c",
                                              5)),
            (Words{"abc"}));
  maker.vocab().lowercase = maker.vocab().strip_accents = false;
  EXPECT_EQ(words_of(WordPiece(maker.vocab()), "\xC3\x89t"), (Words{"\xC3\x89t"}));
}

TEST(WordPiece, TakesTheLongestPiecesOrTheUnknownToken) {
  test::VocabMaker maker(VocabKind::wordpiece);
  const Token unk = maker.vocab().unk = maker.add("[UNK]", TokenType::unknown);
  const Token un = maker.add("\xE2\x96\x81un"), unhappy = maker.add("\xE2\x96\x81unhappy"),
              ly = maker.add("ly"), l = maker.add("l");
  const WordPiece pieces(maker.vocab());
  const auto encode = [&](std::string_view text) {
    std::vector<Token> out;
    pieces.encode(text, true, out);
    return out;
  };
  EXPECT_EQ(encode("Unhappyly unl"), (std::vector<Token>{unhappy, ly, un, l}));
  EXPECT_EQ(encode("unx unly"), (std::vector<Token>{unk, un, ly}));
}

// A long token makes no word expensive: looking up every length of every rest took minutes here.
TEST(WordPiece, LongWordsTakeLinearTime) {
  test::VocabMaker maker(VocabKind::wordpiece);
  maker.add("\xE2\x96\x81");
  const Token a = maker.add("a");
  maker.add(std::string(4096, 'a') + "b");
  const WordPiece pieces(maker.vocab());
  constexpr std::size_t kCharacters = 200'000;
  std::vector<Token> out;
  const double seconds =
      test::cpu_seconds_of([&] { pieces.encode(std::string(kCharacters, 'a'), true, out); });
  EXPECT_EQ(out.size(), kCharacters + 1);
  EXPECT_EQ(out.back(), a);
  EXPECT_LT(seconds, 3);
}

}  // namespace
}  // namespace longhand
