#include "cli/output_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace longhand::cli {
namespace {

std::string utf8(char32_t c) {
  const auto tail = [](char32_t bits) { return static_cast<char>(0x80 | (bits & 0x3F)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xC0 | c >> 6), tail(c)};
  if (c < 0x10000) return {static_cast<char>(0xE0 | c >> 12), tail(c >> 6), tail(c)};
  return {static_cast<char>(0xF0 | c >> 18), tail(c >> 12), tail(c >> 6), tail(c)};
}

bool dangerous(char32_t c) {
  return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c <= 0x9F) || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069) || (c >= 0xE0000 && c <= 0xE007F);
}

bool is_ascii_text(const std::string& text) {
  for (const char c : text) {
    if (c < 0x20 || c > 0x7E) return false;
  }
  return !text.empty();
}

TEST(OutputFilter, EveryScalarValuePassesOrBecomesVisibleAscii) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    const std::string shown = make_visible(utf8(c));
    if (dangerous(c)) {
      ASSERT_TRUE(is_ascii_text(shown)) << std::hex << static_cast<unsigned>(c);
    } else {
      ASSERT_EQ(shown, utf8(c)) << std::hex << static_cast<unsigned>(c);
    }
    ASSERT_EQ(make_visible(shown), shown);
  }
}

TEST(OutputFilter, NamesWhatItHides) {
  EXPECT_EQ(make_visible("\x1b[31mred\x07"), "\\x1b[31mred\\x07");
  EXPECT_EQ(make_visible("a\rb"), "a\\x0db");
  EXPECT_EQ(make_visible("\xc2\x9b"), "\\u{9b}");
  EXPECT_EQ(make_visible("\xe2\x80\xae"), "\\u{202e}");
  EXPECT_EQ(make_visible(std::string_view("\0", 1)), "\\x00");
}

TEST(OutputFilter, BytesThatAreNoUtf8BecomeEscapes) {
  EXPECT_EQ(make_visible("\xff"), "\\xff");
  EXPECT_EQ(make_visible("\xc0\xaf"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(make_visible("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(make_visible("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(make_visible("\xe2\x82"), "\\xe2\\x82");
  EXPECT_EQ(make_visible("\xe2\x1b"), "\\xe2\\x1b");
}

TEST(OutputFilter, AllPairsOfBytesComeOutWithoutControls) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string shown =
          make_visible(std::string{static_cast<char>(first), static_cast<char>(second)});
      for (const char c : shown) {
        const bool control = (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7F;
        ASSERT_FALSE(control) << first << ' ' << second;
      }
      ASSERT_EQ(make_visible(shown), shown) << first << ' ' << second;
    }
  }
}

TEST(OutputFilter, SplitsMakeNoDifference) {
  const std::string text = "x\xe2\x82\xac\x1b[2J\xf0\x9f\x98\x80\xe2\x80\xae\xff\xc2\x9b\xc3\xa9 end\xe2\x82";
  const std::string whole = make_visible(text);
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    OutputFilter filter;
    std::string shown = filter.push(text.substr(0, cut));
    shown += filter.push(text.substr(cut));
    shown += filter.finish();
    EXPECT_EQ(shown, whole) << cut;
  }
  OutputFilter filter;
  std::string bytewise;
  for (const char c : text) bytewise += filter.push({&c, 1});
  EXPECT_EQ(bytewise + filter.finish(), whole);
}

TEST(OutputFilter, HoldsBackOnlyUnfinishedCharacters) {
  OutputFilter filter;
  EXPECT_EQ(filter.push("ab\xe2\x82"), "ab");
  EXPECT_EQ(filter.push("\xac"), "\xe2\x82\xac");
  EXPECT_EQ(filter.finish(), "");
}

}  // namespace
}  // namespace longhand::cli
