// Markdown on a terminal: as lines, and while it is written.
#include "cli/terminal/markdown.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>
#include <cstdint>
#include <cstdlib>
#include <random>

#include "cli/terminal/live_text.h"
#include "cli/terminal/wrap.h"

namespace longhand::cli {
namespace {

using testing::ElementsAre;

std::vector<std::string> plain(std::string_view text, int width = 40) {
  return render_markdown(text, width, false);
}

std::vector<std::string> wrapped(std::string_view text, int width) {
  std::vector<Cell> cells;
  add_cells(cells, text, kPlain);
  std::vector<std::string> lines;
  for (const auto& line : wrap(cells, width)) lines.push_back(show_cells(line, false));
  return lines;
}

TEST(Wrap, BreaksAtSpacesAndWithinWordsThatAreTooLong) {
  EXPECT_THAT(wrapped("one two three", 8), ElementsAre("one two", "three"));
  EXPECT_THAT(wrapped("one two", 7), ElementsAre("one two"));
  EXPECT_THAT(wrapped("abcdefghij", 4), ElementsAre("abcd", "efgh", "ij"));
  EXPECT_THAT(wrapped("", 4), ElementsAre(""));
}

TEST(Wrap, CountsColumnsAndKeepsCharactersWhole) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  EXPECT_THAT(wrapped("\u6f22\u5b57\u6f22\u5b57", 5), ElementsAre("\u6f22\u5b57", "\u6f22\u5b57"));
  EXPECT_THAT(wrapped("e\u0301e\u0301e\u0301", 2), ElementsAre("e\u0301e\u0301", "e\u0301"));
}

TEST(Wrap, NeverLosesOrAddsACharacterButSpacesAtBreaks) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (int i = 0; i < 60; ++i) text += "abc   "[random() % 6];
    const int width = 1 + int(random() % 20);
    std::string joined;
    for (const std::string& line : wrapped(text, width)) {
      EXPECT_LE(int(line.size()), width);
      joined += line;
    }
    std::erase(text, ' ');
    std::erase(joined, ' ');
    EXPECT_EQ(joined, text);
  }
}

TEST(Markdown, PlainTextComesOutAsItIs) {
  EXPECT_THAT(plain("The capital of Peru is Lima."), ElementsAre("The capital of Peru is Lima."));
  EXPECT_THAT(plain("one\ntwo\n\nthree"), ElementsAre("one", "two", "", "three"));
  EXPECT_THAT(plain("2 * 3 * 4 < 5 && a_b_c"), ElementsAre("2 * 3 * 4 < 5 && a_b_c"));
  EXPECT_THAT(plain("<b>x</b> \\x1b &amp; &nosuch;"), ElementsAre("<b>x</b> \\x1b & &nosuch;"));
  EXPECT_TRUE(plain("").empty());
}

TEST(Markdown, BlocksAreShownAsWhatTheyMean) {
  EXPECT_THAT(plain("# Title\nText"), ElementsAre("Title", "", "Text"));
  EXPECT_THAT(plain("- one\n- two\n  - deep\n- three"), ElementsAre("- one", "- two", "  - deep", "- three"));
  EXPECT_THAT(plain("3. three\n4. four"), ElementsAre("3. three", "4. four"));
  EXPECT_THAT(plain("> said\n> twice"), ElementsAre("| said", "| twice"));
  EXPECT_THAT(plain("a\n\n```c\nint x;\n\nint y;\n```\nb"),
              ElementsAre("a", "", "  int x;", "   ", "  int y;", "", "b"));
  EXPECT_THAT(plain("| a | bb |\n|---|---|\n| ccc | d |"), ElementsAre("a   | bb", "ccc | d"));
  EXPECT_THAT(plain("- a long item that does not fit", 16),
              ElementsAre("- a long item", "  that does not", "  fit"));
}

TEST(Markdown, StylesAreClosedInEveryLine) {
  EXPECT_THAT(render_markdown("**bold** and `code`", 40, true),
              ElementsAre("\x1b[1mbold\x1b[0m and \x1b[36mcode\x1b[0m"));
  EXPECT_THAT(render_markdown("**two different words**", 10, true),
              ElementsAre("\x1b[1mtwo\x1b[0m", "\x1b[1mdifferent\x1b[0m", "\x1b[1mwords\x1b[0m"));
  EXPECT_THAT(render_markdown("**open", 40, true), ElementsAre("**open"));
}

TEST(Markdown, FindsBlocksOfCode) {
  EXPECT_THAT(code_blocks("a\n```py\nx = 1\n```\nb\n~~~\ny\n\nz\n~~~"), ElementsAre("x = 1\n", "y\n\nz\n"));
  EXPECT_THAT(code_blocks("```\nunfinished"), ElementsAre("unfinished\n"));
  EXPECT_TRUE(code_blocks("none").empty());
}

TEST(Markdown, TextIsFinishedAtEmptyLinesOutsideCode) {
  EXPECT_EQ(finished_part("one\n\ntwo"), 5U);
  EXPECT_EQ(finished_part("one\ntwo"), 0U);
  EXPECT_EQ(finished_part("\n\none"), 0U) << "nothing stands before";
  EXPECT_EQ(finished_part("```\na\n\nb\n"), 0U);
  EXPECT_EQ(finished_part("```\na\n\nb\n```\n\nc"), 14U);
}

// What a terminal shows that understands just enough.
std::vector<std::string> screen_of(const std::string& sent) {
  std::vector<std::string> lines(1);
  std::size_t row = 0, column = 0;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    if (sent[i] == '\n') {
      if (++row == lines.size()) lines.emplace_back();
      column = 0;
    } else if (sent[i] == '\r') {
      column = 0;
    } else if (sent.compare(i, 2, "\x1b[") == 0) {
      std::size_t end = i + 2;
      while (std::isdigit(std::uint8_t(sent[end])) != 0) ++end;
      const int number = std::atoi(sent.c_str() + i + 2);
      if (sent[end] == 'A') row -= std::min(row, std::size_t(number));
      if (sent[end] == 'J') {
        lines.resize(row + 1);
        lines[row].resize(std::min(lines[row].size(), column));
      }
      i = end;
    } else {
      lines[row].resize(std::max(lines[row].size(), column + 1), ' ');
      lines[row][column++] = sent[i];
    }
  }
  return lines;
}

TEST(LiveText, ShowsTheSameHoweverTheTextComes) {
  const std::string text =
      "# Heading\n\nA paragraph with **bold words** that is long enough to be broken into more lines than "
      "one, with "
      "`code` in it.\n\n- an item\n- another one that is longer than a line of this terminal has columns to "
      "show, "
      "surely\n\n```c\nint main() {\n\n  return 0;\n}\n```\n\n| a | b |\n|---|---|\n| c | dd |\n\nThe end.";
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    testing::internal::CaptureStdout();
    LiveText live(round % 2 == 0);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = 1 + random() % (round == 0 ? 1000 : 12);
      live.push(std::string_view(text).substr(at, size));
      at += size;
    }
    live.finish();
    EXPECT_EQ(screen_of(testing::internal::GetCapturedStdout()), render_markdown(text, 79, false)) << round;
  }
}

TEST(LiveText, ALineThatGrowsIsNotDrawnAgain) {
  testing::internal::CaptureStdout();
  LiveText live(false);
  for (const char* piece : {"The", " capital", " of Peru", " is Lima."}) live.push(piece);
  live.finish();
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "The capital of Peru is Lima.");
}

}  // namespace
}  // namespace longhand::cli
