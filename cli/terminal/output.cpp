#include "cli/terminal/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "cli/exit_status.h"
#include "cli/terminal/signals.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

[[noreturn]] void throw_io(std::string_view what, const std::string& path, int error) {
  throw Error(Errc::io, fmt::format("{} {}: {}", what, path, std::strerror(error)));
}

// 0, or the errno of what went wrong.
int write_all(int fd, const char* data, std::size_t size) noexcept {
  while (size > 0) {
    const ssize_t n = ::write(fd, data, size);
    if (n >= 0) {
      data += n;
      size -= std::size_t(n);
    } else if (errno == EAGAIN) {  // a terminal somebody else made non-blocking
      pollfd ready{fd, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

void write_checked(int fd, std::span<const char> bytes, const std::string& path) {
  const int error = write_all(fd, bytes.data(), bytes.size());
  if (error == EPIPE) throw BrokenPipe();
  if (error != 0) throw_io("cannot write", path, error);
}

}  // namespace

void write_output(std::string_view text) { write_checked(STDOUT_FILENO, text, "stdout"); }

void write_error(std::string_view text) noexcept { write_all(STDERR_FILENO, text.data(), text.size()); }

OutputFile::OutputFile(std::string path) : path_(std::move(path)) {
  fd_ = path_ == "-" ? STDOUT_FILENO : ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd_ < 0) throw_io("cannot create", path_, errno);
}

OutputFile::~OutputFile() {
  if (fd_ < 0 || fd_ == STDOUT_FILENO) return;
  struct stat status {};
  const bool regular = ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode);
  ::close(fd_);
  if (regular) ::unlink(path_.c_str());  // never a device such as /dev/full
}

void OutputFile::write(std::span<const std::byte> bytes) {
  write_checked(fd_, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path_);
}

void OutputFile::finish() {
  if (fd_ == STDOUT_FILENO) return;
  // A full disk or a lost network share may first show when the file is closed.
  if (::close(std::exchange(fd_, -1)) != 0) {
    const int error = errno;
    ::unlink(path_.c_str());
    throw_io("cannot write", path_, error);
  }
}

std::string read_text(const std::string& path) {
  const int fd = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw_io("cannot open", path, errno);
  std::string text;
  struct stat status {};
  if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
    const auto size = std::size_t(std::max<off_t>(status.st_size, 0));
    text.reserve(std::min(size, kMaxTextBytes) + 1);
  }
  char chunk[1 << 16];
  int error = 0;
  for (;;) {
    const ssize_t n = ::read(fd, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) {
      if (signal_waiting()) throw Error(Errc::cancelled, "stopped while reading " + path);
      continue;
    }
    if (n < 0) error = errno;
    if (n <= 0 || text.size() > kMaxTextBytes) break;
    text.append(chunk, std::size_t(n));
  }
  if (fd != STDIN_FILENO) ::close(fd);
  if (error != 0) throw_io("cannot read", path, error);
  if (text.size() > kMaxTextBytes)
    throw Error(Errc::limit, fmt::format("{}: text must have at most {} MiB, and has more",
                                         path == "-" ? "stdin" : path, kMaxTextBytes >> 20));
  return text;
}

}  // namespace longhand::cli
