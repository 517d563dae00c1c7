#include "cli/terminal/output_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace longhand::cli {
namespace {

std::string utf8(char32_t c) {
  const auto tail = [](char32_t bits) { return char(0x80 | (bits & 0x3F)); };
  if (c < 0x80) return {char(c)};
  if (c < 0x800) return {char(0xC0 | c >> 6), tail(c)};
  if (c < 0x10000) return {char(0xE0 | c >> 12), tail(c >> 6), tail(c)};
  return {char(0xF0 | c >> 18), tail(c >> 12), tail(c >> 6), tail(c)};
}

bool dangerous(char32_t c) {
  return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c <= 0x9F) || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x206F) || (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE007F);
}

// What text may hold, but no name needs.
bool disguises(char32_t c) {
  return c == 0xAD || c == 0x61C || c == 0x180E || c == 0x200B || c == 0x200E || c == 0x200F || c == 0x2028 ||
         c == 0x2029 || (c >= 0x2060 && c <= 0x2064) || c == 0xFEFF;
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
    if (dangerous(c) || disguises(c)) {
      ASSERT_TRUE(is_ascii_text(shown)) << std::hex << unsigned(c);
    } else {
      ASSERT_EQ(shown, utf8(c)) << std::hex << unsigned(c);
    }
    ASSERT_EQ(make_visible(shown), shown);
  }
}

TEST(OutputFilter, StreamedTextKeepsTheMarksOfItsScript) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    OutputFilter filter;
    std::string shown = filter.push(utf8(c));
    shown += filter.finish();
    ASSERT_EQ(shown == utf8(c), !dangerous(c)) << std::hex << unsigned(c);
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
      const std::string shown = make_visible(std::string{char(first), char(second)});
      for (const char c : shown) {
        const bool control = (std::uint8_t(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7F;
        ASSERT_FALSE(control) << first << ' ' << second;
      }
      ASSERT_EQ(make_visible(shown), shown) << first << ' ' << second;
    }
  }
}

// Everything terminals are known to act on: nothing of it reaches them, however it is cut.
TEST(OutputFilter, EscapeSequencesOfEveryFamilyAreShown) {
  const std::string escape = "\x1b", bell = "\x07", end = "\x1b\\";
  std::vector<std::string> sequences = {
      escape + "]0;title" + bell,     escape + "]2;title" + end,         escape + "]4;1;rgb:0/0/0" + bell,
      escape + "]7;file://x/y" + end, escape + "]8;;http://x" + end,     escape + "]9;note" + bell,
      escape + "]10;?" + bell,        escape + "]52;c;cm0gLXJm" + bell,  escape + "]52;c;?" + end,
      escape + "]133;A" + bell,       escape + "]777;notify;a;b" + bell, escape + "]1337;File=:AAAA" + bell,
      escape + "P+q544e" + end,       escape + "P$q\"p" + end,           escape + "Pq#0;2;0;0;0" + end,
      escape + "_Ga=T;AAAA" + end,    escape + "^private" + end,         escape + "Xstring" + end};
  for (const char* csi :
       {"31m",    "38;2;1;2;3m", "2J",     "1;1H", "6n",     "c",   ">c",    "5n",   "?1049h", "?25l",
        "?1000h", "?2004h",      "3;1;1t", "21t",  "8;1;1t", "4i",  "!p",    "20l",  "1S",     "1T",
        "2K",     "10A",         "1;5r",   "s",    "u",      "?5h", ">4;2m", "=1;2u"}) {
    sequences.push_back(escape + "[" + csi);
    sequences.push_back(std::string("\xc2\x9b") + csi);
  }
  for (const char* two : {"c", "7", "8", "D", "E", "M", "N", "O", "Z", "=", ">", "#8", "(0", "%G", "n", "~"})
    sequences.push_back(escape + two);
  ASSERT_GE(sequences.size(), 40u);
  for (const std::string& sequence : sequences) {
    const std::string text = "a" + sequence + "b", whole = make_visible(text);
    EXPECT_TRUE(is_ascii_text(whole)) << whole;
    EXPECT_EQ(make_visible(whole), whole);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      OutputFilter filter;
      const std::string first = filter.push(text.substr(0, cut)), second = filter.push(text.substr(cut));
      EXPECT_EQ(first + second + filter.finish(), whole) << cut;
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
