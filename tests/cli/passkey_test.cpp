#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "cli/measure/passkey_report.h"
#include "cli/measure/passkey_text.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using testing::HasSubstr;

const std::string kGuide = LONGHAND_GUIDE "/guide-q8_0.gguf";

ProcessResult passkey(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {LONGHAND_PROGRAM, "passkey"});
  return run_process(arguments);
}

// Index of the message that tells the word; exactly one does.
std::size_t telling(const cli::PasskeyCase& passkey) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < passkey.messages.size(); ++i) {
    const auto& message = passkey.messages[i];
    if (message.role == "user" && cli::names_word(message.content, passkey.word)) found.push_back(i);
  }
  EXPECT_EQ(found.size(), 1u);
  return found.empty() ? 0 : found[0];
}

TEST(PasskeyText, TheWordStandsAtItsDepth) {
  for (const double depth : {0.0, 0.25, 1.0}) {
    const auto passkey = cli::passkey_dialogue({.units = 20, .depth = depth, .seed = 5});
    EXPECT_EQ(passkey.messages.size(), 2 * 21 + 1u);
    EXPECT_EQ(telling(passkey), std::size_t(2 * depth * 20));
    EXPECT_EQ(passkey.messages.back().role, "user");
  }
}

TEST(PasskeyText, TheSeedDecidesAndNothingElse) {
  const auto once = cli::passkey_dialogue({.units = 9, .depth = 0, .seed = 7});
  const auto again = cli::passkey_dialogue({.units = 9, .depth = 1, .seed = 7});
  EXPECT_EQ(once.word, again.word);
  EXPECT_EQ(once.messages[2].content, again.messages[0].content);  // the filler is the same, only moved
  std::set<std::string> words;
  for (std::uint64_t seed = 0; seed < 50; ++seed) words.insert(cli::passkey_dialogue({1, 0, seed}).word);
  EXPECT_GT(words.size(), 10u);
}

TEST(PasskeyText, ADocumentIsOneMessage) {
  const auto lines = cli::filler_lines("  First line.\n\n\tSecond line.\r\nThird line.");
  EXPECT_EQ(lines, (std::vector<std::string>{"First line.", "Second line.", "Third line."}));
  const auto passkey = cli::passkey_document(lines, {.units = 7, .depth = 0.5, .seed = 3});
  ASSERT_EQ(passkey.messages.size(), 1u);
  EXPECT_EQ(telling(passkey), 0u);
  EXPECT_THAT(passkey.messages[0].content, HasSubstr("Second line."));
}

TEST(PasskeyText, AnswersAreReadInAnyCase) {
  EXPECT_TRUE(cli::names_word("It was Maple, I think", "maple"));
  EXPECT_FALSE(cli::names_word("It was mapl", "maple"));
}

TEST(PasskeyReport, ShowsShares) {
  cli::PasskeyReport report{"m", {512, 4096}, {0, 1}, {}};
  for (int i = 0; i < 4; ++i) {
    cli::PasskeyCell cell{report.lengths[std::size_t(i / 2)], i % 2 * 1.0, {}};
    for (int k = 0; k < 4; ++k) cell.trials.push_back({10, "w", "a", k < i});
    report.cells.push_back(cell);
  }
  const std::string text = cli::passkey_text(report, false);
  EXPECT_THAT(text, HasSubstr("  0 %    0 .   50 +\n"));
  EXPECT_THAT(text, HasSubstr("100 %   25 -   75 #\n"));
  EXPECT_THAT(cli::passkey_text(report, true), HasSubstr("\x1b[48;5;"));
}

TEST(Passkey, TheBundledModelFindsTheWord) {
  const ProcessResult result =
      passkey({kGuide, "-n", "256", "--depths", "0,100", "--samples", "2", "-t", "1", "-o", "json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  ASSERT_EQ(json["cells"].size(), 2u);
  for (const auto& cell : json["cells"]) {
    EXPECT_EQ(cell["found"], 1.0);
    for (const auto& trial : cell["trials"]) {
      EXPECT_LE(trial["tokens"], 256);
      EXPECT_GT(trial["tokens"], 200);
    }
  }
}

TEST(Passkey, AnyTextHidesIt) {
  const TempDir dir;
  const std::string filler = dir.write("filler", "The grass is green.\nThe sky is blue.\n");
  const ProcessResult result =
      passkey({kGuide, "-n", "200", "--depths", "50", "--samples", "1", "-t", "1", "--filler", filler});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("200"));
}

TEST(Passkey, ImpossibleLengthsAreExplained) {
  const ProcessResult result = passkey({kGuide, "-n", "10"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("too short"));
  EXPECT_EQ(passkey({kGuide, "-n", "512", "-c", "256"}).status, 2);
  const TempDir dir;
  EXPECT_EQ(passkey({kGuide, "--filler", dir.write("empty", " \n")}).status, 1);
}

}  // namespace
}  // namespace longhand::test
