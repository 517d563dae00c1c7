// Messages are one line of visible text, whatever the names in them hold.
#include "ops/error.h"

#include <gtest/gtest.h>

namespace longhand {
namespace {

TEST(EscapeControls, CharactersThatHideOrReorderTextAreNamed) {
  EXPECT_EQ(escape_controls("a\xE2\x80\xAE"
                            "gguf.exe"),
            "a\\u{202e}gguf.exe");
  EXPECT_EQ(escape_controls("\xE2\x81\xA6x\xE2\x81\xA9"), "\\u{2066}x\\u{2069}");
  EXPECT_EQ(escape_controls("\xE2\x80\x8E\xE2\x80\x8F\xD8\x9C"), "\\u{200e}\\u{200f}\\u{61c}");
  EXPECT_EQ(escape_controls("\xC2\x9B"
                            "31m"),
            "\\u{9b}31m");
  EXPECT_EQ(escape_controls("a\xE2\x80\x8B"
                            "b\xEF\xBB\xBF"),
            "a\\u{200b}b\\u{feff}");
  EXPECT_EQ(escape_controls("\xF3\xA0\x81\x81"), "\\u{e0041}");
}

TEST(EscapeControls, VisibleTextStays) {
  const std::string text =
      "m\xC3\xBCller \xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D \xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB";
  EXPECT_EQ(escape_controls(text), text);
  EXPECT_EQ(escape_controls("a\nb\tc\x1b"), "a\\nb\\tc\\x1b");
}

TEST(EscapeControls, EscapesAreNotCutInTwo) {
  EXPECT_EQ(escape_controls("ab\xE2\x80\xAE"
                            "c",
                            5),
            "ab");
  EXPECT_EQ(escape_controls("ab\xE2\x80\xAE"
                            "c",
                            10),
            "ab\\u{202e}");
}

TEST(Error, MessagesNeverHoldThem) {
  const Error error(Errc::io,
                    "cannot open \xE2\x80\xAE"
                    "x\xE2\x80\x8F: no such file");
  EXPECT_EQ(std::string(error.what()), "cannot open \\u{202e}x\\u{200f}: no such file [E_IO]");
}

// The C interface calls them the same.
TEST(Error, NamesAreThoseOfTheEnumerators) {
  EXPECT_EQ(errc_name(Errc::no_memory), "E_NO_MEMORY");
  EXPECT_EQ(errc_name(Errc::context_full), "E_CONTEXT_FULL");
  EXPECT_EQ(errc_name(Errc::duplicate), "E_DUPLICATE");
}

}  // namespace
}  // namespace longhand
