// Saves on a simulated disk that forgets, when its power is cut, what was not flushed: bytes of files, and
// what happened to names.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/state/atomic_file.h"
#include "tests/support/temp_dir.h"

namespace longhand {
namespace {

const std::string kOld = "the old content", kNew = std::string(10'000, 'n');

// A file: what programs see of it, and what has reached the disk.
struct Inode {
  std::string seen, flushed;
};
using InodePtr = std::shared_ptr<Inode>;
using Names = std::map<std::string, InodePtr>;

class Disk : public FileCalls {
 public:
  Names seen, flushed;
  std::vector<std::function<void(Names&)>>
      waiting;                          // changes of names that have not reached the disk, in order
  std::function<void()> after = [] {};  // called after each call
  bool flushes_files = true, flushes_folders = true;

  void put(const std::string& path, const std::string& content) {
    seen[path] = flushed[path] = std::make_shared<Inode>(Inode{content, content});
  }

  int open(const char* path, int flags, mode_t) override {
    if ((flags & O_DIRECTORY) != 0) return opened(nullptr);
    if ((flags & O_EXCL) != 0 && seen.contains(path)) return failed(EEXIST);
    const auto file = std::make_shared<Inode>();
    change([name = std::string(path), file](Names& names) { names[name] = file; });
    return opened(file);
  }
  ssize_t write(int fd, const void* data, std::size_t size) override {
    files_.at(fd)->seen.append(reinterpret_cast<const char*>(data), size);
    after();
    return ssize_t(size);
  }
  int fsync(int fd) override {
    if (const InodePtr file = files_.at(fd)) {
      if (flushes_files) file->flushed = file->seen;
    } else if (flushes_folders) {
      for (const auto& one : waiting) one(flushed);
      waiting.clear();
    }
    after();
    return 0;
  }
  int close(int fd) override {
    files_.erase(fd);
    after();
    return 0;
  }
  int rename(const char* from, const char* to) override {
    if (!seen.contains(from)) return failed(ENOENT);
    change([a = std::string(from), b = std::string(to)](Names& names) {
      if (!names.contains(a)) return;  // its creation was lost as well
      names[b] = names[a];
      names.erase(a);
    });
    after();
    return 0;
  }
  int unlink(const char* path) override {
    if (!seen.contains(path)) return failed(ENOENT);
    change([name = std::string(path)](Names& names) { names.erase(name); });
    after();
    return 0;
  }

  /// What may be in the file `path` after the power was cut now: any of the changes of names may have been
  /// the last, and of bytes that were not flushed all, none or a part may be there, or zeros in their place.
  /// "" stands for no file.
  std::vector<std::string> after_power_loss(const std::string& path) const {
    std::vector<std::string> out;
    Names names = flushed;
    for (std::size_t changes = 0;; ++changes) {
      const auto found = names.find(path);
      if (found == names.end()) out.push_back("");
      if (found != names.end()) {
        const Inode& file = *found->second;
        const std::string lost = file.seen.substr(std::min(file.flushed.size(), file.seen.size()));
        for (const std::string& rest :
             {std::string(), lost, lost.substr(0, lost.size() / 2), std::string(lost.size(), '\0')})
          out.push_back(file.flushed + rest);
      }
      if (changes == waiting.size()) return out;
      waiting[changes](names);
    }
  }

 private:
  int opened(InodePtr file) {
    files_[next_] = std::move(file);
    after();
    return next_++;
  }
  int failed(int error) {
    errno = error;
    return -1;
  }
  void change(std::function<void(Names&)> what) {
    what(seen);
    waiting.push_back(std::move(what));
  }

  std::map<int, InodePtr> files_;  // null for the folder
  int next_ = 100;
};

// Moments of a save at which a loss of power would leave something else than the whole old or the whole new
// content.
int bad_moments(Disk& disk, const std::string& path, const std::string& before) {
  int bad = 0;
  disk.after = [&] {
    const auto contents = disk.after_power_loss(path);
    bad +=
        std::ranges::all_of(contents, [&](const std::string& c) { return c == before || c == kNew; }) ? 0 : 1;
  };
  FileReplacement file(path, disk);
  for (std::size_t at = 0; at < kNew.size(); at += 4096)
    file.write(std::as_bytes(std::span(kNew).subspan(at, std::min<std::size_t>(4096, kNew.size() - at))));
  file.commit();
  disk.after = [] {};
  return bad;
}

class PowerLoss : public testing::Test {
 protected:
  test::TempDir dir_;
  std::string path_ = dir_.file("file");
  Disk disk_;
};

TEST_F(PowerLoss, LeavesTheOldContentOrTheNewAtEveryMoment) {
  disk_.put(path_, kOld);
  EXPECT_EQ(bad_moments(disk_, path_, kOld), 0);
  for (const std::string& content : disk_.after_power_loss(path_))
    EXPECT_EQ(content, kNew) << "what is saved outlives a loss of power";
}

TEST_F(PowerLoss, LeavesNoFileOrTheNewWhereThereWasNone) {
  EXPECT_EQ(bad_moments(disk_, path_, ""), 0);
  for (const std::string& content : disk_.after_power_loss(path_)) EXPECT_EQ(content, kNew);
}

TEST_F(PowerLoss, WhatAKilledSaveLeftBehindIsNoHindrance) {
  disk_.put(path_, kOld);
  disk_.put(path_ + std::string(kUnfinished), "half of an earlier one");
  EXPECT_EQ(bad_moments(disk_, path_, kOld), 0);
  EXPECT_EQ(disk_.seen.size(), 1U);
}

TEST_F(PowerLoss, ManySavesInARowEachHold) {
  disk_.put(path_, kOld);
  std::string before = kOld;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(bad_moments(disk_, path_, before), 0) << i;
    before = kNew;
  }
}

// The simulation notices what it is for.
TEST_F(PowerLoss, ASaveThatFlushesNothingIsSeenToLose) {
  disk_.put(path_, kOld);
  disk_.flushes_files = false;
  EXPECT_GT(bad_moments(disk_, path_, kOld), 0);
  Disk other;
  other.put(path_, kOld);
  other.flushes_folders = false;
  EXPECT_EQ(bad_moments(other, path_, kOld), 0);
  const auto contents = other.after_power_loss(path_);
  EXPECT_TRUE(std::ranges::find(contents, kOld) != contents.end()) << "saved, and yet lost";
}

}  // namespace
}  // namespace longhand
