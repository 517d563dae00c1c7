#include "cli/terminal/paste.h"

#include <gtest/gtest.h>

namespace longhand::cli {
namespace {

TEST(Paste, OneLineIsTypedAsItIs) {
  PasteStore pastes;
  EXPECT_EQ(pastes.shown("a word\r"), "a word");
  EXPECT_EQ(pastes.shown("tab\there\x01\x1b"), "tab here");
  EXPECT_EQ(pastes.resolve("x"), "x");
}

TEST(Paste, LinesStandBehindAMark) {
  PasteStore pastes;
  const std::string first = pastes.shown("a\rb\r\nc\n");
  const std::string second = pastes.shown("d\ne");
  EXPECT_EQ(first, "[paste 1: 3 lines]");
  EXPECT_EQ(second, "[paste 2: 2 lines]");
  EXPECT_EQ(pastes.resolve("see " + first + " and " + second + "."), "see a\nb\nc and d\ne.");
  EXPECT_EQ(pastes.resolve(first), first) << "marks last for one line";
}

TEST(Paste, PastedTextIsNotSearchedForMarks) {
  PasteStore pastes;
  const std::string first = pastes.shown("[paste 2: 2 lines]\nx");
  const std::string second = pastes.shown("d\ne");
  EXPECT_EQ(pastes.resolve(first + second), "[paste 2: 2 lines]\nxd\ne");
}

TEST(Paste, AMarkThatWasEditedIsText) {
  PasteStore pastes;
  pastes.shown("a\nb");
  EXPECT_EQ(pastes.resolve("[paste 1: 2 line"), "[paste 1: 2 line");
}

}  // namespace
}  // namespace longhand::cli
