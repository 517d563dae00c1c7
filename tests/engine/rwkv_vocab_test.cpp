#include "engine/text/rwkv_vocab.h"

#include <gtest/gtest.h>

#include "tests/support/vocab_maker.h"

namespace longhand {
namespace {

TEST(RwkvVocab, Unescapes) {
  EXPECT_EQ(unescape_rwkv(R"(a\tb\n\r\\\x41\xff\')"), "a\tb\n\r\\A\xFF'");
  EXPECT_EQ(unescape_rwkv("\\"), "\\");
  EXPECT_EQ(unescape_rwkv(R"(\x4)"), "x4");
}

TEST(RwkvVocab, TakesTheLongestTokenAtEveryPlace) {
  test::VocabMaker maker(VocabKind::rwkv);
  const Token a = maker.add("a"), abc = maker.add("abc"), newline = maker.add("\\n"), b = maker.add("b");
  const RwkvVocab vocab(maker.vocab());
  std::vector<Token> out;
  vocab.encode("abcab\n", true, out);
  EXPECT_EQ(out, (std::vector<Token>{abc, a, b, newline}));
}

}  // namespace
}  // namespace longhand
