#include "cli/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "ops/error.h"

namespace longhand::cli {
namespace {

// The unfinished file: gone again unless it was put in place.
class Unfinished {
 public:
  Unfinished(const std::string& path, FileCalls& calls)
      : path_(path), temporary_(path + std::string(kUnfinished)), calls_(calls) {
    calls_.unlink(temporary_.c_str());  // of a save that was killed
    fd_ = calls_.open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd_ < 0) fail("create");
  }
  ~Unfinished() {
    if (fd_ >= 0) calls_.close(fd_);
    if (!placed_) calls_.unlink(temporary_.c_str());
  }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;

  void write(std::string_view content) {
    while (!content.empty()) {
      const ssize_t n = calls_.write(fd_, content.data(), content.size());
      if (n > 0) {
        content.remove_prefix(static_cast<std::size_t>(n));
      } else if (n == 0 || errno != EINTR) {
        if (n == 0) errno = ENOSPC;  // what a system means that takes nothing and names no reason
        fail("write");
      }
    }
  }

  // A network file system may report a lost write no earlier than here.
  void finish() {
    while (calls_.fsync(fd_) != 0) {
      if (errno != EINTR) fail("write");
    }
    // Interrupted, the descriptor is closed all the same, and fsync() vouched for the content.
    if (calls_.close(std::exchange(fd_, -1)) != 0 && errno != EINTR) fail("write");
  }

  void place() {
    if (calls_.rename(temporary_.c_str(), path_.c_str()) != 0) fail("replace");
    placed_ = true;
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    const int error = errno;
    throw Error(Errc::io, fmt::format("cannot {} {}: {}", what, path_, std::strerror(error)));
  }

  const std::string& path_;
  std::string temporary_;
  FileCalls& calls_;
  int fd_ = -1;
  bool placed_ = false;
};

// Only then does the new name outlive a power failure.
void flush_folder(const std::string& path, FileCalls& calls) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  const int fd = calls.open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  int error = fd < 0 ? errno : 0;
  while (fd >= 0 && calls.fsync(fd) != 0) {
    if (errno == EINTR) continue;
    error = errno == EINVAL ? 0 : errno;  // a file system that cannot flush folders
    break;
  }
  if (fd >= 0) calls.close(fd);
  if (error != 0) {
    throw Error(Errc::io, fmt::format("{} is written, but may not outlive a power failure: {}", path,
                                      std::strerror(error)));
  }
}

}  // namespace

int FileCalls::open(const char* path, int flags, mode_t mode) { return ::open(path, flags, mode); }
ssize_t FileCalls::write(int fd, const void* data, std::size_t size) { return ::write(fd, data, size); }
int FileCalls::fsync(int fd) { return ::fsync(fd); }
int FileCalls::close(int fd) { return ::close(fd); }
int FileCalls::rename(const char* from, const char* to) { return ::rename(from, to); }
int FileCalls::unlink(const char* path) { return ::unlink(path); }

FileCalls& system_calls() {
  static FileCalls calls;  // without state
  return calls;
}

void replace_file(const std::string& path, std::string_view content, FileCalls& calls) {
  Unfinished file(path, calls);
  file.write(content);
  file.finish();
  file.place();
  flush_folder(path, calls);
}

}  // namespace longhand::cli
