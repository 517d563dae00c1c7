#include "engine/state/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "ops/error.h"

namespace longhand {
namespace {

// What is there instead of a file that can be replaced.
std::string_view kind_of(std::filesystem::file_type type) {
  using Type = std::filesystem::file_type;
  constexpr std::pair<Type, std::string_view> kKinds[] = {{Type::directory, "a folder"},
                                                          {Type::character, "a device"},
                                                          {Type::block, "a device"},
                                                          {Type::fifo, "a pipe"},
                                                          {Type::socket, "a socket"}};
  for (const auto& [known, name] : kKinds) {
    if (known == type) return name;
  }
  return "of no known kind";
}

[[noreturn]] void refuse(const std::string& path, std::string_view what) {
  throw Error(Errc::io,
              fmt::format("cannot replace {}: it is {}, must be a regular file or a new name", path, what));
}

// A descriptor that is closed at the end, or none.
struct Descriptor {
  explicit Descriptor(int opened) : fd(opened) {}
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  const int fd;
};

// Keeps other saves from an unfinished file until all its descriptors are closed. False where another save
// has it, or took it for a leftover and removed it; true also where the file system has no locks.
bool lock(int fd) {
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false;
  struct stat status {};
  return ::fstat(fd, &status) != 0 || status.st_nlink > 0;
}

[[noreturn]] void refuse_second(const std::string& path) {
  throw Error(Errc::io, fmt::format("cannot replace {}: it is being written by another program", path));
}

// The path where symbolic links lead to: a regular file, or a name that is free.
std::string target_of(const std::string& path) {
  namespace fs = std::filesystem;
  const std::string target = end_of_links(path);
  // What cannot be looked at cannot be written either; that is told when it is tried.
  std::error_code error;
  const fs::file_type type = fs::symlink_status(target, error).type();
  if (type == fs::file_type::symlink) {
    const bool read = !fs::read_symlink(target, error).empty();
    refuse(path, read ? "a symbolic link in a circle" : "a symbolic link that cannot be read");
  }
  const bool replaceable =
      type == fs::file_type::regular || type == fs::file_type::not_found || type == fs::file_type::none;
  if (!replaceable) refuse(path, kind_of(type));
  return target;
}

// Only then does the new name outlive a power failure.
void flush_folder(const std::string& path, FileCalls& calls) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  int fd = -1;
  do fd = calls.open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  while (fd < 0 && errno == EINTR);
  int error = fd < 0 ? errno : 0;
  while (fd >= 0 && calls.fsync(fd) != 0) {
    if (errno == EINTR) continue;
    error = errno == EINVAL ? 0 : errno;  // a file system that cannot flush folders
    break;
  }
  if (fd >= 0) calls.close(fd);
  if (error != 0) {
    throw Error(Errc::io, fmt::format("{} is written, but may not outlive a power failure: {}", path,
                                      std::generic_category().message(error)));
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

std::string end_of_links(const std::string& path) {
  namespace fs = std::filesystem;
  constexpr int kMostLinks = 40;  // what Linux follows
  fs::path target = path;
  std::error_code error;
  for (int links = 0; links < kMostLinks && fs::is_symlink(target, error); ++links) {
    const fs::path next = fs::read_symlink(target, error);
    if (error) break;
    target = target.parent_path() / next;
  }
  return target.string();
}

// The lock is held meanwhile, so that a save that has just begun notices.
bool remove_unfinished(const std::string& path, FileCalls& calls) {
  const std::string temporary = path + std::string(kUnfinished);
  const Descriptor left(::open(temporary.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (left.fd >= 0 && !lock(left.fd)) return false;
  calls.unlink(temporary.c_str());
  return true;
}

FileReplacement::FileReplacement(const std::string& path, FileCalls& calls, mode_t mode,
                                 const TakeOver& take_over)
    : path_(target_of(path)), temporary_(path_ + std::string(kUnfinished)), calls_(calls) {
  if (take_over && take(take_over)) return;
  if (!remove_unfinished(path_, calls_)) refuse_second(path_);
  do fd_ = calls_.open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  while (fd_ < 0 && errno == EINTR);
  if (fd_ < 0) fail("create");
  if (lock(fd_)) return;
  calls_.close(fd_);
  refuse_second(path_);
}

bool FileReplacement::take(const TakeOver& take_over) {
  const Descriptor left(::open(temporary_.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (left.fd < 0) return false;
  if (!lock(left.fd)) refuse_second(path_);
  struct stat status {};
  if (::fstat(left.fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != ::geteuid())
    return false;
  const std::uint64_t bytes = take_over(left.fd, temporary_);
  if (bytes == 0 || ::ftruncate(left.fd, off_t(bytes)) != 0 || ::lseek(left.fd, 0, SEEK_END) < 0)
    return false;
  fd_ = ::fcntl(left.fd, F_DUPFD_CLOEXEC, 0);  // the lock is of both
  if (fd_ < 0) return false;
  taken_over_ = bytes;
  return true;
}

FileReplacement::~FileReplacement() {
  if (!placed_ && !kept_) calls_.unlink(temporary_.c_str());
  if (fd_ >= 0) calls_.close(fd_);
}

void FileReplacement::write(std::span<const std::byte> content) {
  while (!content.empty()) {
    const ssize_t n = calls_.write(fd_, content.data(), content.size());
    if (n > 0) {
      content = content.subspan(std::size_t(n));
    } else if (n == 0 || errno != EINTR) {
      if (n == 0) errno = ENOSPC;  // what a system means that takes nothing and names no reason
      fail("write");
    }
  }
}

// A network file system may report a lost write no earlier than here.
void FileReplacement::finish() {
  while (calls_.fsync(fd_) != 0) {
    if (errno != EINTR) fail("write");
  }
  // Interrupted, the descriptor is closed all the same, and fsync() vouched for the content.
  if (calls_.close(std::exchange(fd_, -1)) != 0 && errno != EINTR) fail("write");
}

void FileReplacement::commit() {
  // Keeps the lock while the file is closed and has not got its name.
  const Descriptor locked(::fcntl(fd_, F_DUPFD_CLOEXEC, 0));
  finish();
  if (calls_.rename(temporary_.c_str(), path_.c_str()) != 0) fail("replace");
  placed_ = true;
  flush_folder(path_, calls_);
}

void FileReplacement::fail(std::string_view what) const {
  const int error = errno;
  throw Error(Errc::io, fmt::format("cannot {} {}: {}", what, path_, std::generic_category().message(error)));
}

void replace_file(const std::string& path, std::string_view content, FileCalls& calls, mode_t mode) {
  FileReplacement file(path, calls, mode);
  file.write(std::as_bytes(std::span(content)));
  file.commit();
}

}  // namespace longhand
