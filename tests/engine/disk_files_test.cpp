// The files of finished texts, on disks that are full, slow, hang, or are shared with others.
#include <gmock/gmock.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <latch>
#include <thread>
#include <utility>

#include "engine/api/session_impl.h"
#include "engine/serve/disk_cache.h"
#include "tests/support/scheduling.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_session.h"

namespace longhand {
namespace {

namespace fs = std::filesystem;
using test::files_of;
using test::options_of_tests;
using testing::HasSubstr;

// A disk on which no byte fits.
class FullDisk : public FileCalls {
 public:
  std::atomic<int> opened{0};
  int open(const char* path, int flags, mode_t mode) override {
    ++opened;
    return FileCalls::open(path, flags, mode);
  }
  ssize_t write(int, const void*, std::size_t) override {
    errno = ENOSPC;
    return -1;
  }
};

class FilesOfTexts : public testing::Test {
 protected:
  DiskCacheSetup setup(FileCalls& calls) {
    const Session session = session_of(1);
    StateOwner owner = Access::impl(session)->owner();
    return {.options = {.folder = folder(), .mib = 1},
            .owner = std::move(owner),
            .note = [this](std::string_view line) { notes_.emplace_back(line); },
            .calls = calls};
  }
  static Session session_of(int tokens) { return session_of(test::some_tokens(tokens, unsigned(tokens))); }
  static Session session_of(const std::vector<Token>& tokens) {
    Session session(test::tiny(), options_of_tests().session);
    session.feed(tokens);
    return session;
  }
  // The first `tokens` of one long text.
  static Session beginning(int tokens) {
    std::vector<Token> text = test::some_tokens(200, 1);
    text.resize(std::size_t(tokens));
    return session_of(text);
  }
  std::string folder() const { return dir_.file("kept"); }

  test::TempDir dir_;
  std::vector<std::string> notes_;
};

TEST_F(FilesOfTexts, AFullDiskIsNotedOnceAndLeavesNothing) {
  FullDisk full;
  {
    DiskCache cache(setup(full));
    cache.save(session_of(80), 80);
    while (full.opened == 0) std::this_thread::yield();
    cache.save(session_of(90), 90);
  }
  EXPECT_EQ(full.opened, 1) << "for a while nothing is tried";
  EXPECT_TRUE(files_of(folder()).empty());
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_THAT(notes_[0], HasSubstr("a text is not kept"));
  EXPECT_THAT(notes_[0], HasSubstr("No space left"));
}

TEST_F(FilesOfTexts, ABeginningOfAKnownTextIsNotWritten) {
  {
    DiskCache cache(setup(system_calls()));
    cache.save(beginning(150), 150);
    cache.save(beginning(100), 100);
  }
  EXPECT_EQ(files_of(folder()).size(), 1u);
}

// Others may go on from a short beginning in another way, also where it was not written yet.
TEST_F(FilesOfTexts, AShortBeginningStays) {
  {
    DiskCache cache(setup(system_calls()));
    cache.save(beginning(80), 80);
    cache.save(beginning(200), 200);
  }
  EXPECT_EQ(files_of(folder()).size(), 2u);
}

TEST_F(FilesOfTexts, OneThatAnotherProgramDeletedIsWrittenAgain) {
  {
    DiskCache cache(setup(system_calls()));
    cache.save(session_of(80), 80);
  }
  {
    DiskCache cache(setup(system_calls()));
    fs::remove(files_of(folder()).at(0));
    cache.save(session_of(80), 80);
  }
  EXPECT_EQ(files_of(folder()).size(), 1u);
  EXPECT_THAT(notes_, testing::IsEmpty());
}

// The first save waits until it may go on.
class SlowDisk : public FileCalls {
 public:
  std::latch begun{1}, goes_on{1};
  int open(const char* path, int flags, mode_t mode) override {
    if (!std::exchange(first_, false)) return FileCalls::open(path, flags, mode);
    begun.count_down();
    goes_on.wait();
    return FileCalls::open(path, flags, mode);
  }

 private:
  bool first_ = true;
};

TEST_F(FilesOfTexts, ThoseThatWaitCanBeForgotten) {
  SlowDisk slow;
  {
    DiskCache cache(setup(slow));
    cache.save(session_of(80), 80);
    slow.begun.wait();
    cache.save(session_of(90), 90);
    cache.save(session_of(100), 100);
    cache.forget_waiting();
    slow.goes_on.count_down();
  }
  EXPECT_EQ(files_of(folder()).size(), 1u);
}

// The file is damaged, and who is told of it takes its time: as long a read as from a disk that hangs.
TEST_F(FilesOfTexts, ADiskThatHangsIsNotWaitedFor) {
  {
    DiskCache cache(setup(system_calls()));
    cache.save(session_of(80), 80);
    cache.save(session_of(90), 90);
  }
  std::latch goes_on{1}, told{1};
  DiskCacheSetup how = setup(system_calls());
  how.patience = std::chrono::milliseconds(0);
  how.note = [&](std::string_view) { goes_on.wait(); };
  how.on_fetched = [&] { told.count_down(); };
  DiskCache cache(std::move(how));
  for (const fs::path& file : files_of(folder())) fs::resize_file(file, fs::file_size(file) / 2);
  const std::vector<Token> text = test::some_tokens(80, 80), other = test::some_tokens(90, 90);
  const auto found = cache.find({text, nullptr}, 1);
  ASSERT_TRUE(found);
  EXPECT_FALSE(cache.hangs());
  const auto fetched = cache.fetch(found->path, Session(test::tiny(), options_of_tests().session));
  while (!cache.hangs()) std::this_thread::yield();
  EXPECT_FALSE(fetched->ready);
  EXPECT_FALSE(cache.find({other, nullptr}, 1)) << "nor is anything else asked of it";
  goes_on.count_down();
  told.wait();
  EXPECT_FALSE(cache.hangs());
  EXPECT_FALSE(cache.find({text, nullptr}, 1)) << "the damaged one";
  EXPECT_TRUE(cache.find({other, nullptr}, 1));
}

// Where a file belongs there is a link to another.
TEST_F(FilesOfTexts, NothingIsWrittenWhereALinkLeads) {
  const std::string other = dir_.file("letter.txt");
  std::ofstream(other) << "dear";
  std::string path;
  {
    DiskCache cache(setup(system_calls()));
    cache.save(session_of(80), 80);
  }
  path = files_of(folder()).at(0).string();
  fs::remove(path);
  fs::create_symlink(other, path);
  {
    DiskCache cache(setup(system_calls()));
    cache.save(session_of(80), 80);
  }
  EXPECT_TRUE(fs::is_symlink(path));
  EXPECT_EQ(fs::file_size(other), 4u);
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_THAT(notes_[0], HasSubstr("is a symbolic link"));
}

TEST_F(FilesOfTexts, ThoseUnusedForLongestGiveWay) {
  DiskFolder disk(folder(), 1000, system_calls());
  const auto add = [&](Token token) {
    const std::string path = disk.path_of("owner", {{token}});
    std::ofstream(path) << std::string(300, 'x');
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(10 - token));
    return path;
  };
  const std::string a = add(1), b = add(2), c = add(3);
  disk.touch(a);
  EXPECT_TRUE(disk.make_room(100));
  EXPECT_EQ(disk.files().size(), 3u);
  EXPECT_TRUE(disk.make_room(300));
  EXPECT_FALSE(fs::exists(b));
  EXPECT_TRUE(fs::exists(a) && fs::exists(c));
  EXPECT_FALSE(disk.make_room(1001)) << "which would never fit";
  EXPECT_EQ(disk.files().size(), 2u);
}

}  // namespace
}  // namespace longhand
