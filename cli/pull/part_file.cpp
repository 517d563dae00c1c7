#include "cli/pull/part_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "cli/terminal/output.h"
#include "engine/state/atomic_file.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

constexpr std::size_t kMostTag = 1024;

// So that the new name outlives a loss of power; a file system that cannot is as good as it gets.
void flush_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

bool names(const std::string& path, const struct stat& file) {
  struct stat named {};
  return ::stat(path.c_str(), &named) == 0 && named.st_dev == file.st_dev && named.st_ino == file.st_ino;
}

}  // namespace

PartFile::PartFile(const std::string& path)
    : path_(path), part_(path + std::string(kIncomplete)), tag_file_(part_ + ".etag") {
  open_and_lock();
}

// Whoever had it before may have given it its name between opening and locking.
void PartFile::open_and_lock() {
  for (;;) {
    fd_ = ::open(part_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd_ < 0) fail("create");
    struct stat status {};
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0 || ::fstat(fd_, &status) != 0) {
      const bool busy = errno == EWOULDBLOCK;
      const int error = errno;
      ::close(std::exchange(fd_, -1));
      if (busy) throw Error(Errc::busy, fmt::format("{}: another process is downloading it", path_));
      errno = error;
      fail("use");
    }
    size_ = status.st_size;
    if (names(part_, status)) return;
    ::close(std::exchange(fd_, -1));
  }
}

PartFile::~PartFile() {
  if (fd_ < 0) return;
  if (size_ == 0) {
    ::unlink(part_.c_str());
    ::unlink(tag_file_.c_str());
  }
  ::close(fd_);
}

void PartFile::read(const std::function<void(std::span<const std::byte>)>& take) const {
  std::vector<std::byte> piece(std::size_t{1} << 20);
  for (off_t at = 0; at < size_;) {
    const ssize_t n = ::pread(fd_, piece.data(), piece.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail("read");
    take(std::span(piece).first(std::size_t(n)));
    at += n;
  }
}

int PartFile::append(std::span<const std::byte> bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), size_);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0 ? ENOSPC : errno;
    size_ += n;
    bytes = bytes.subspan(std::size_t(n));
  }
  return 0;
}

void PartFile::empty() {
  if (::ftruncate(fd_, 0) != 0) fail("empty");
  size_ = 0;
  ::unlink(tag_file_.c_str());
}

std::string PartFile::tag() const {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(tag_file_, error);
  return error || bytes > kMostTag ? "" : read_text(tag_file_);
}

void PartFile::set_tag(const std::string& tag) {
  if (tag.empty() || tag.size() > kMostTag) {
    ::unlink(tag_file_.c_str());
  } else {
    replace_file(tag_file_, tag);
  }
}

void PartFile::place() {
  while (::fsync(fd_) != 0) {
    if (errno != EINTR) fail("write");
  }
  if (::rename(part_.c_str(), path_.c_str()) != 0) fail("rename");
  ::close(std::exchange(fd_, -1));
  ::unlink(tag_file_.c_str());
  flush_folder_of(path_);
}

void PartFile::fail(const char* what) const {
  throw Error(Errc::io, fmt::format("cannot {} {}: {}", what, part_, std::strerror(errno)));
}

}  // namespace longhand::cli
