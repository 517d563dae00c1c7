// Completions and the flags of the manual, of a small program and of the real one.
#include "cli/flags/completion_scripts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/error.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace longhand::cli {
namespace {

using test::Arguments;
using test::ProcessResult;
using test::run_process;
using test::TempDir;

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Completion : public testing::Test {
 protected:
  Completion() {
    auto* sing = app_.add_subcommand("sing", "Sing it's song");
    sing->add_option("-k,--key", key_, "Of the song")->check(CLI::IsMember({"c", "d"}))->type_name("NOTE");
    sing->add_option("-o,--output", file_, "Where it goes")->type_name("FILE");
    sing->add_option("--old", file_)->group("");
    sing->add_option_group("Loudness")->add_flag("--loud", loud_, "For all");
    sing->add_option("SONG", file_, "What to sing");
    app_.add_subcommand("hide")->group("");
  }

  CLI::App app_{"A program", "longhand"};
  std::string key_, file_;
  bool loud_ = false;
};

std::string program(const Arguments& arguments) {
  Arguments all = {LONGHAND_PROGRAM};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const ProcessResult result = run_process(all);
  EXPECT_EQ(result.status, 0) << result.err;
  return result.out;
}

TEST_F(Completion, KnowsWhatHelpShows) {
  const auto verbs = verbs_of(app_);
  ASSERT_EQ(verbs.size(), 1u) << "hidden verbs stay hidden";
  EXPECT_EQ(verbs[0].name, "sing");
  EXPECT_EQ(verbs[0].positional, "SONG");
  std::vector<std::string> last;
  for (const FlagFacts& flag : verbs[0].flags) last.push_back(flag.names.back());
  EXPECT_THAT(last, ElementsAre("--help", "--key", "--output", "--loud"));
  EXPECT_THAT(verbs[0].flags[1].choices, ElementsAre("c", "d"));
  EXPECT_EQ(verbs[0].flags[1].value, "NOTE");
  EXPECT_TRUE(verbs[0].flags[2].is_file);
  EXPECT_EQ(verbs[0].flags[3].value, "");
}

// What bash offers at the end of the words, one a line.
std::string offered(const std::string& script, const std::string& words) {
  const TempDir dir;
  const std::string path = dir.write("script", script);
  const ProcessResult result = run_process({"/bin/bash", "-c",
                                            "source \"$1\"; shift; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - "
                                            "1)); _longhand; printf '%s\\n' \"${COMPREPLY[@]}\"",
                                            "bash", path, "longhand", "sing", words});
  EXPECT_THAT(result.err, IsEmpty());
  return result.out;
}

TEST_F(Completion, BashOffersFlags) {
  const std::string script = bash_completion(verbs_of(app_));
  EXPECT_EQ(offered(script, "--lo"), "--loud\n");
  EXPECT_THAT(offered(script, "-"),
              testing::AllOf(HasSubstr("--key\n"), HasSubstr("-o\n"), Not(HasSubstr("old"))));
}

TEST_F(Completion, FishAndZshEscapeWhatTheyWouldInterpret) {
  EXPECT_THAT(fish_completion(verbs_of(app_)), HasSubstr(R"(-a sing -d 'Sing it\'s song')"));
  EXPECT_THAT(fish_completion(verbs_of(app_)), HasSubstr("-s k -l key -x -a 'c d'"));
  EXPECT_THAT(zsh_completion(verbs_of(app_)), HasSubstr(R"('sing:Sing it'\''s song')"));
  EXPECT_THAT(zsh_completion(verbs_of(app_)), HasSubstr("'(-k --key)--key[Of the song]:NOTE:(c d)'"));
}

TEST_F(Completion, TheManualGetsTheFlagsInItsPlace) {
  const std::string page = manual_page("before\n.\\\" FLAGS\nafter\n", verbs_of(app_));
  EXPECT_THAT(page, testing::StartsWith("before\n.SS longhand sing"));
  EXPECT_THAT(page, HasSubstr("\\fB\\-k\\fR, \\fB\\-\\-key\\fR \\fINOTE\\fR\nOf the song.\nOne of c, d.\n"));
  EXPECT_THAT(page, testing::EndsWith("after\n"));
  EXPECT_THROW(manual_page("no place", {}), Error);
}

TEST(CompletionOfTheProgram, NamesEveryVerbAndFlagOfItsHelp) {
  const std::string bash = program({"completion", "bash"}), zsh = program({"completion", "zsh"}),
                    fish = program({"completion", "fish"});
  for (const char* verb : {"chat", "run", "models", "info", "tokenize", "template", "logits", "bench"}) {
    EXPECT_THAT(fish, HasSubstr(std::string(" -a ") + verb));
    // Long names as --help writes them: two dashes, letters and dashes.
    const std::string help = program({verb, "--help"});
    for (auto at = help.find(" --"); at != std::string::npos; at = help.find(" --", at + 1)) {
      const auto end = help.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-", at + 1);
      const std::string flag = help.substr(at + 1, end - at - 1);
      if (flag.size() < 4) continue;
      EXPECT_THAT(bash, HasSubstr(flag)) << verb;
      EXPECT_THAT(zsh, HasSubstr(flag)) << verb;
      EXPECT_THAT(fish, HasSubstr(flag.substr(2))) << verb;
    }
  }
}

TEST(CompletionOfTheProgram, IsNotInItsHelp) {
  EXPECT_THAT(program({"--help"}), Not(HasSubstr("\n  completion")));
}

}  // namespace
}  // namespace longhand::cli
