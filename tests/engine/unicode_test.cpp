#include "engine/text/unicode.h"

#include <gtest/gtest.h>

namespace longhand {
namespace {

TEST(Unicode, EveryScalarValueSurvivesEncodingAndDecoding) {
  for (char32_t code = 0; code <= kLastCodePoint; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, code);
    const Decoded c = decode_utf8(text, 0);
    ASSERT_TRUE(c.valid && c.code == code && c.length == text.size()) << std::hex << std::uint32_t{code};
  }
}

TEST(Unicode, InvalidBytesBecomeOneReplacementForEachLongestPrefix) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(replace_invalid("a\x80z"), "a" + r + "z");
  EXPECT_EQ(replace_invalid("\xE2\x96"), r);  // unfinished
  EXPECT_EQ(replace_invalid("\xE2\x96"
                            "A"),
            r + "A");
  EXPECT_EQ(replace_invalid("\xC0\xAF"), r + r);                  // overlong
  EXPECT_EQ(replace_invalid("\xED\xA0\x80"), r + r + r);          // surrogate
  EXPECT_EQ(replace_invalid("\xF4\x90\x80\x80"), r + r + r + r);  // beyond U+10FFFF
  EXPECT_EQ(replace_invalid("\xF0\x9F\x98"), r);
}

TEST(Unicode, CategoriesOfKnownCharacters) {
  const std::pair<char32_t, Category> known[] = {
      {'a', Category::Ll},    {'A', Category::Lu},     {0x1C5, Category::Lt},   {0x2B0, Category::Lm},
      {0x4E2D, Category::Lo}, {0x301, Category::Mn},   {0x903, Category::Mc},   {0x20DD, Category::Me},
      {'5', Category::Nd},    {0x2167, Category::Nl},  {0xBD, Category::No},    {'_', Category::Pc},
      {' ', Category::Zs},    {0x1F600, Category::So}, {'+', Category::Sm},     {'\n', Category::Cc},
      {0x200D, Category::Cf}, {0xE000, Category::Co},  {0x10FFFF, Category::Cn}};
  for (const auto& [code, expected] : known)
    EXPECT_EQ(category(code), expected) << std::hex << std::uint32_t{code};
}

TEST(Unicode, MasksOfGroupsHoldTheirMembers) {
  EXPECT_EQ(category_mask("L"), category_bit(Category::Lu) | category_bit(Category::Ll) |
                                    category_bit(Category::Lt) | category_bit(Category::Lm) |
                                    category_bit(Category::Lo));
  EXPECT_EQ(category_mask("Nd"), category_bit(Category::Nd));
  EXPECT_EQ(category_mask("Xx"), 0u);
}

TEST(Unicode, WhiteSpaceHas25Characters) {
  int count = 0;
  for (char32_t code = 0; code <= kLastCodePoint; ++code) count += is_white_space(code) ? 1 : 0;
  EXPECT_EQ(count, 25);
  EXPECT_TRUE(is_white_space(0x85));
  EXPECT_FALSE(is_white_space(0x200B));
}

TEST(Unicode, LowerCaseAndBaseCharacters) {
  EXPECT_EQ(to_lower('A'), U'a');
  EXPECT_EQ(to_lower(0x416), char32_t{0x436});
  EXPECT_EQ(to_lower('1'), U'1');
  EXPECT_EQ(base_character(0xE9), U'e');
  EXPECT_EQ(base_character(0x1EA5), U'a');  // two accents
  EXPECT_EQ(base_character(0xD55C), char32_t{0x1112});
  EXPECT_EQ(base_character('x'), U'x');
}

}  // namespace
}  // namespace longhand
