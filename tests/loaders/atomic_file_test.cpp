// A save that fails, or is killed, at each of its system calls.
#include "engine/state/atomic_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>

#include "ops/error.h"
#include "tests/support/error_code.h"
#include "tests/support/golden.h"
#include "tests/support/temp_dir.h"

namespace longhand {
namespace {

using test::read_text;
using test::TempDir;

const std::string kOld = "the old content", kNew = std::string(100'000, 'n');

// Does what the system does, except that `before` is asked at each call and may return an errno to fail with.
class WatchedCalls : public FileCalls {
 public:
  std::function<int(int call)> before = [](int) { return 0; };
  std::function<void(int call)> after = [](int) {};
  std::size_t largest_write = std::size_t{1} << 30;
  int count = 0;

  int open(const char* path, int flags, mode_t mode) override {
    return watched([&] { return FileCalls::open(path, flags, mode); });
  }
  ssize_t write(int fd, const void* data, std::size_t size) override {
    return watched([&] { return FileCalls::write(fd, data, std::min(size, largest_write)); });
  }
  int fsync(int fd) override {
    return watched([&] { return FileCalls::fsync(fd); });
  }
  int close(int fd) override {
    // The descriptor is gone even where close() fails.
    const int failure = before(count);
    const int result = FileCalls::close(fd);
    after(count++);
    if (failure == 0) return result;
    errno = failure;
    return -1;
  }
  int rename(const char* from, const char* to) override {
    return watched([&] { return FileCalls::rename(from, to); });
  }
  int unlink(const char* path) override {
    return watched([&] { return FileCalls::unlink(path); });
  }

 private:
  template <class Call>
  auto watched(Call call) -> decltype(call()) {
    if (const int failure = before(count); failure != 0) {
      ++count;
      errno = failure;
      return -1;
    }
    const auto result = call();
    const int error = errno;
    after(count++);
    errno = error;
    return result;
  }
};

std::vector<std::string> names_in(const TempDir& dir) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path()))
    names.push_back(entry.path().filename().string());
  return names;
}

int calls_of_a_save(std::size_t largest_write = std::size_t{1} << 30) {
  const TempDir dir;
  WatchedCalls calls;
  calls.largest_write = largest_write;
  replace_file(dir.write("file", kOld), kNew, calls);
  return calls.count;
}

TEST(ReplaceFile, WritesWhatItIsGivenForItsOwnerOnly) {
  const TempDir dir;
  const mode_t before = ::umask(0);
  replace_file(dir.file("file"), kNew);
  ::umask(before);
  EXPECT_EQ(read_text(dir.file("file")), kNew);
  struct stat status {};
  ASSERT_EQ(::stat(dir.file("file").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  EXPECT_THAT(names_in(dir), testing::ElementsAre("file"));
}

TEST(ReplaceFile, FlushesFileAndFolderAroundTheRename) {
  const TempDir dir;
  class Order : public FileCalls {
   public:
    std::string seen;
    ssize_t write(int fd, const void* data, std::size_t size) override {
      seen += "write ";
      return FileCalls::write(fd, data, size);
    }
    int fsync(int fd) override {
      struct stat status {};
      ::fstat(fd, &status);
      seen += S_ISDIR(status.st_mode) ? "fsync-folder " : "fsync ";
      return FileCalls::fsync(fd);
    }
    int rename(const char* from, const char* to) override {
      seen += "rename ";
      return FileCalls::rename(from, to);
    }
  } calls;
  replace_file(dir.write("file", kOld), kNew, calls);
  EXPECT_EQ(calls.seen, "write fsync rename fsync-folder ");
}

TEST(ReplaceFile, AFailureAtAnyCallLeavesOneWholeFile) {
  const int total = calls_of_a_save();
  ASSERT_GE(total, 8);
  for (const int error : {EIO, ENOSPC, EDQUOT, EACCES}) {
    for (int k = 0; k < total; ++k) {
      const TempDir dir;
      const std::string path = dir.write("file", kOld);
      WatchedCalls calls;
      calls.before = [&](int call) { return call == k ? error : 0; };
      bool failed = false;
      try {
        replace_file(path, kNew, calls);
      } catch (const Error& thrown) {
        failed = true;
        EXPECT_EQ(thrown.code(), Errc::io);
        EXPECT_THAT(thrown.what(), testing::HasSubstr("file"));
      }
      const std::string content = read_text(path);
      EXPECT_TRUE(content == kOld || content == kNew) << "call " << k;
      EXPECT_TRUE(failed || content == kNew) << "call " << k << " failed and nobody heard of it";
      EXPECT_THAT(names_in(dir), testing::ElementsAre("file")) << "call " << k;
    }
  }
}

TEST(ReplaceFile, InterruptedAndShortCallsAreTakenUpAgain) {
  const TempDir dir;
  const std::string path = dir.write("file", kOld);
  WatchedCalls calls;
  calls.largest_write = 30'000;
  int interrupted_at = -1;
  calls.before = [&](int call) {
    // Every write and fsync once; open, rename and unlink of a local file are never interrupted.
    const bool again = call != interrupted_at + 1 && call >= 2 && call <= 10;
    if (again) interrupted_at = call;
    return again ? EINTR : 0;
  };
  replace_file(path, kNew, calls);
  EXPECT_EQ(read_text(path), kNew);
}

// Runs `save` in a process of its own that is killed as `arm` says; true if it was.
bool killed(const std::function<void(WatchedCalls&)>& arm, const std::string& path) {
  const pid_t child = ::fork();
  if (child == 0) {
    WatchedCalls calls;
    calls.largest_write = 40'000;
    arm(calls);
    replace_file(path, kNew, calls);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

TEST(ReplaceFile, KilledAtAnyCallItLeavesTheOldFileOrTheNew) {
  const int total = calls_of_a_save(40'000);
  ASSERT_GE(total, 10);
  for (int k = 0; k < total; ++k) {
    for (const bool after : {false, true}) {
      const TempDir dir;
      const std::string path = dir.write("file", kOld);
      const bool was_killed = killed(
          [&](WatchedCalls& calls) {
            if (after) {
              calls.after = [k](int call) {
                if (call == k) ::raise(SIGKILL);
              };
            } else {
              calls.before = [k](int call) { return call == k ? ::raise(SIGKILL) : 0; };
            }
          },
          path);
      EXPECT_TRUE(was_killed) << "call " << k;
      const std::string content = read_text(path);
      EXPECT_TRUE(content == kOld || content == kNew) << "call " << k;
      replace_file(path, "the next save");
      EXPECT_EQ(read_text(path), "the next save");
      EXPECT_THAT(names_in(dir), testing::ElementsAre("file")) << "what call " << k << " left is cleaned up";
    }
  }
}

TEST(ReplaceFile, OfTwoAtATimeTheSecondIsRefused) {
  const TempDir dir;
  const std::string path = dir.write("file", kOld);
  {
    FileReplacement first(path);
    first.write(std::as_bytes(std::span(kNew).first(10)));
    EXPECT_EQ(test::code_of([&] { replace_file(path, "of the second"); }), Errc::io);
    first.write(std::as_bytes(std::span(kNew).subspan(10)));
    first.commit();
    EXPECT_EQ(read_text(path), kNew);
  }
  replace_file(path, "the next save");
  EXPECT_EQ(read_text(path), "the next save");
  EXPECT_THAT(names_in(dir), testing::ElementsAre("file"));
}

// Another save may begin in the moment between the creation of the file and its lock.
TEST(ReplaceFile, AFileThatWasTakenForALeftoverIsNotPutInPlace) {
  const TempDir dir;
  const std::string path = dir.write("file", kOld);
  class Taken : public FileCalls {
   public:
    explicit Taken(std::string path) : path_(std::move(path)) {}
    int open(const char* name, int flags, mode_t mode) override {
      const int fd = FileCalls::open(name, flags, mode);
      second = std::make_unique<FileReplacement>(path_);
      return fd;
    }
    std::unique_ptr<FileReplacement> second;

   private:
    std::string path_;
  } calls(path);
  EXPECT_EQ(test::code_of([&] { replace_file(path, kNew, calls); }), Errc::io);
  EXPECT_EQ(read_text(path), kOld);
  calls.second->write(std::as_bytes(std::span("second", 6)));
  calls.second->commit();
  EXPECT_EQ(read_text(path), "second");
}

// The place of the unfinished file is known to everybody who may write into the folder.
TEST(ReplaceFile, NeverWritesThroughALinkInPlaceOfTheUnfinishedFile) {
  const TempDir dir;
  const std::string victim = dir.write("victim", "keep me");
  std::filesystem::create_symlink(victim, dir.file("file") + std::string(kUnfinished));
  replace_file(dir.file("file"), kNew);
  EXPECT_EQ(read_text(victim), "keep me");
  EXPECT_EQ(read_text(dir.file("file")), kNew);
  EXPECT_FALSE(std::filesystem::is_symlink(dir.file("file")));
}

TEST(ReplaceFile, LinksStayAndTheirTargetIsReplaced) {
  const TempDir dir;
  std::filesystem::create_directory(dir.file("elsewhere"));
  dir.write("elsewhere/real", kOld);
  std::filesystem::create_symlink("elsewhere/real", dir.file("second"));
  std::filesystem::create_symlink(dir.file("second"), dir.file("first"));
  replace_file(dir.file("first"), kNew);
  EXPECT_EQ(read_text(dir.file("elsewhere/real")), kNew);
  EXPECT_TRUE(std::filesystem::is_symlink(dir.file("first")));
  EXPECT_TRUE(std::filesystem::is_symlink(dir.file("second")));
  EXPECT_THAT(names_in(dir), testing::UnorderedElementsAre("elsewhere", "first", "second"));

  std::filesystem::create_symlink("elsewhere/not-yet", dir.file("dangling"));
  replace_file(dir.file("dangling"), kNew);
  EXPECT_EQ(read_text(dir.file("elsewhere/not-yet")), kNew);
  EXPECT_TRUE(std::filesystem::is_symlink(dir.file("dangling")));
}

void expect_refused(const std::string& path, const std::string& kind) {
  try {
    replace_file(path, kNew);
    FAIL() << path << " was replaced";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::io);
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr(path), testing::HasSubstr("it is " + kind)));
  }
}

TEST(ReplaceFile, WhatIsNoFileIsRefusedAndStays) {
  const TempDir dir;
  const auto type = [&](const char* name) { return std::filesystem::status(dir.file(name)).type(); };
  ASSERT_EQ(::mkfifo(dir.file("pipe").c_str(), 0600), 0);
  std::filesystem::create_symlink(dir.file("pipe"), dir.file("link"));
  std::filesystem::create_symlink("/dev/null", dir.file("null"));
  std::filesystem::create_directory(dir.file("folder"));
  std::filesystem::create_symlink("circle", dir.file("circle"));
  const auto before = names_in(dir);
  expect_refused(dir.file("pipe"), "a pipe");
  expect_refused(dir.file("link"), "a pipe");
  expect_refused(dir.file("null"), "a device");
  expect_refused(dir.file("folder"), "a folder");
  expect_refused(dir.file("circle"), "a symbolic link in a circle");
  EXPECT_EQ(type("pipe"), std::filesystem::file_type::fifo);
  EXPECT_EQ(type("null"), std::filesystem::file_type::character);
  EXPECT_THAT(names_in(dir), testing::UnorderedElementsAreArray(before));
}

}  // namespace
}  // namespace longhand
