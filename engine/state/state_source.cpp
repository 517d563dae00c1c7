#include "engine/state/state_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace longhand {

StateSource StateSource::of_file(const std::string& path) {
  StateSource source(path);
  do source.fd_ = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  while (source.fd_ < 0 && errno == EINTR);
  if (source.fd_ < 0) source.fail_system("opened");
  struct stat status {};
  if (::fstat(source.fd_, &status) != 0) source.fail_system("examined");
  if (!S_ISREG(status.st_mode)) source.fail(Errc::io, "not a regular file");
  source.size_ = std::uint64_t(status.st_size);
  return source;
}

StateSource StateSource::of_memory(std::span<const std::byte> bytes) {
  StateSource source("saved state in memory");
  source.memory_ = bytes;
  source.size_ = bytes.size();
  return source;
}

StateSource::StateSource(StateSource&& other) noexcept
    : name_(std::move(other.name_)),
      fd_(std::exchange(other.fd_, -1)),
      memory_(other.memory_),
      size_(other.size_) {}

StateSource::~StateSource() {
  if (fd_ >= 0) ::close(fd_);
}

void StateSource::read(std::uint64_t at, std::span<std::byte> to) const {
  if (fd_ < 0) {
    std::ranges::copy(memory_.subspan(std::size_t(at), to.size()), to.begin());
    return;
  }
  while (!to.empty()) {
    const ssize_t n = ::pread(fd_, to.data(), to.size(), off_t(at));
    if (n == 0) fail(Errc::truncated, "the file became shorter while it was read");
    if (n < 0 && errno != EINTR) fail_system("read");
    if (n <= 0) continue;
    to = to.subspan(std::size_t(n));
    at += std::uint64_t(n);
  }
}

void StateSource::fail(Errc code, std::string_view what) const {
  throw Error(code, fmt::format("{}: {}", name_, what));
}

void StateSource::fail_system(std::string_view what) const {
  const int error = errno;
  fail(Errc::io, fmt::format("cannot be {}: {}", what, std::generic_category().message(error)));
}

}  // namespace longhand
