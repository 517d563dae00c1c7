#include "cli/terminal/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace longhand::cli {
namespace {

using test::TempDir;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

unsigned mode_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777 : 0;
}

TEST(History, EntriesComeBackInTheNextChat) {
  const TempDir dir;
  const std::string path = dir.file("state/longhand/history");
  {
    History history(path);
    history.add("first");
    history.add("two\nlines and a \\n backslash");
    history.add("");
    history.add("again");
    history.add("again");
  }
  EXPECT_THAT(History(path).entries(), ElementsAre("first", "two\nlines and a \\n backslash", "again"));
}

TEST(History, FilesAreForTheirOwnerOnlyWhateverTheUmask) {
  const TempDir dir;
  const std::string path = dir.file("state/longhand/history");
  const mode_t before = ::umask(0);
  History(path).add("secret");
  ::umask(before);
  EXPECT_EQ(mode_of(path), 0600u);
  EXPECT_EQ(mode_of(dir.file("state/longhand")), 0700u);
}

TEST(History, IsTrimmed) {
  const TempDir dir;
  const std::string path = dir.file("history");
  {
    std::ofstream file(path);
    for (int i = 0; i < 5000; ++i) file << i << '\n';
  }
  const History history(path);
  ASSERT_EQ(history.entries().size(), 1000u);
  EXPECT_EQ(history.entries().back(), "4999");
  EXPECT_EQ(History(path).entries().size(), 1000u);
  EXPECT_LT(std::filesystem::file_size(path), 6000u);
}

TEST(History, NeverWritesThroughALink) {
  const TempDir dir;
  std::ofstream(dir.file("victim")) << "keep me\n";
  std::filesystem::create_symlink(dir.file("victim"), dir.file("history"));
  History history(dir.file("history"));
  EXPECT_THAT(history.problem(), HasSubstr("history is not kept"));
  history.add("typed");
  EXPECT_THAT(history.entries(), ElementsAre("typed"));
  EXPECT_EQ(std::filesystem::file_size(dir.file("victim")), 8u);
}

TEST(History, WorksWithoutAPlaceToKeepIt) {
  History history("");
  history.add("typed");
  EXPECT_THAT(history.entries(), ElementsAre("typed"));
  EXPECT_THAT(history.problem(), IsEmpty());
}

}  // namespace
}  // namespace longhand::cli
