#include "engine/run/speculate/vocabulary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/error.h"

namespace longhand {
namespace {

Vocab vocab(std::vector<std::string_view> tokens, int unused = 0) {
  Vocab v;
  v.kind = VocabKind::bpe;
  v.tokens = std::move(tokens);
  v.types.assign(v.tokens.size(), TokenType::normal);
  std::fill(v.types.end() - unused, v.types.end(), TokenType::unused);
  return v;
}

std::string complaint(const Vocab& draft, const Vocab& target) {
  try {
    check_same_vocabulary(draft, target);
  } catch (const Error& e) { return e.what(); }
  return "";
}

TEST(SameVocabulary, NamesTheFirstDifference) {
  EXPECT_EQ(complaint(vocab({"a", "b"}), vocab({"a", "b"})), "");
  EXPECT_THAT(complaint(vocab({"a", "c"}), vocab({"a", "b"})),
              testing::HasSubstr("token 1 is 'c' instead of 'b'"));
  EXPECT_THAT(complaint(vocab({"a"}), vocab({"a", "b"})), testing::HasSubstr("1 tokens instead of 2"));
  Vocab other = vocab({"a", "b"});
  other.kind = VocabKind::spm;
  EXPECT_THAT(complaint(vocab({"a", "b"}), other), testing::HasSubstr("kind"));
}

TEST(SameVocabulary, UnusedTokensAtTheEndAreNoDifference) {
  EXPECT_EQ(complaint(vocab({"a", "b", "pad"}, 1), vocab({"a", "b"})), "");
  EXPECT_EQ(complaint(vocab({"a", "b"}), vocab({"a", "b", "pad", "pad2"}, 2)), "");
  EXPECT_NE(complaint(vocab({"a", "b"}), vocab({"a", "b", "c", "pad"}, 1)), "");
}

}  // namespace
}  // namespace longhand
