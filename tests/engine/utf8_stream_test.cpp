#include <gtest/gtest.h>

#include "engine/text/tokenizer.h"
#include "engine/text/unicode.h"

namespace longhand {
namespace {

TEST(Utf8Stream, EveryScalarValueSurvivesEverySplit) {
  for (char32_t code = 0; code <= kLastCodePoint; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, code);
    for (std::size_t split = 1; split <= text.size(); ++split) {
      Utf8Stream stream;
      const std::string first = stream.push(text.substr(0, split));
      ASSERT_TRUE(first.empty() || split == text.size());
      const std::string rest = stream.push(text.substr(split));
      ASSERT_EQ(first + rest + stream.finish(), text);
    }
  }
}

TEST(Utf8Stream, AllBytePairsGiveTheSameTextInWholeAndInParts) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string text{char(a), char(b), 'x'};
      Utf8Stream stream;
      std::string out;
      for (const char c : text) out += stream.push({&c, 1});
      ASSERT_EQ(out + stream.finish(), replace_invalid(text)) << a << " " << b;
    }
  }
}

TEST(Utf8Stream, AnUnfinishedCharacterAtTheEndIsReplaced) {
  Utf8Stream stream;
  EXPECT_EQ(stream.push("a\xF0\x9F\x98"), "a");
  EXPECT_EQ(stream.finish(), "\xEF\xBF\xBD");
  EXPECT_EQ(stream.finish(), "");
}

}  // namespace
}  // namespace longhand
