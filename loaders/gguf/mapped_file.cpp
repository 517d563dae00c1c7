#include "loaders/gguf/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

#include "ops/error.h"

namespace longhand {
namespace {

[[noreturn]] void fail(const std::string& path, std::string_view what, Errc code = Errc::io) {
  throw Error(code, fmt::format("{}: {}", escape_controls(path, 300), what));
}

std::string reason(int error) { return std::generic_category().message(error); }

class Descriptor {
 public:
  explicit Descriptor(const std::string& path) {
    // Without O_NONBLOCK, opening a FIFO waits for a writer that may never come.
    do fd_ = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    while (fd_ < 0 && errno == EINTR);
    if (fd_ < 0) fail(path, fmt::format("cannot be opened: {}", reason(errno)));
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const noexcept { return fd_; }

 private:
  int fd_ = -1;
};

// The whole pages inside `range`, and nothing of the pages it shares with its neighbours.
std::span<std::byte> whole_pages(std::span<const std::byte> range) noexcept {
  const auto page = std::uintptr_t(::sysconf(_SC_PAGESIZE));
  const auto start = reinterpret_cast<std::uintptr_t>(range.data());
  const std::uintptr_t first = (start + page - 1) / page * page;
  const std::uintptr_t end = (start + range.size()) / page * page;
  if (first >= end) return {};
  auto* const data = const_cast<std::byte*>(range.data());  // madvise wants a mutable pointer
  return {data + (first - start), end - first};
}

}  // namespace

MappedFile::MappedFile(const std::string& path) {
  if (path.find('\0') != std::string::npos) fail(path, "a path cannot contain a NUL byte");
  const Descriptor file(path);
  *this = MappedFile(file.get(), path);
}

MappedFile::MappedFile(int descriptor, const std::string& name) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) fail(name, fmt::format("cannot be examined: {}", reason(errno)));
  if (S_ISDIR(status.st_mode)) fail(name, "is a folder, not a file");
  if (!S_ISREG(status.st_mode)) fail(name, "is not a regular file");
  if (status.st_size == 0) return;  // mmap refuses a length of 0

  const auto size = std::size_t(status.st_size);
  void* mapping = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (mapping == MAP_FAILED) {
    const int error = errno;
    fail(name, fmt::format("cannot be mapped: {}", reason(error)),
         error == ENOMEM ? Errc::no_memory : Errc::io);
  }
  data_ = static_cast<const std::byte*>(mapping);
  size_ = size;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void MappedFile::release(std::span<const std::byte> range) const noexcept {
  const std::span<std::byte> pages = whole_pages(range);
  // A private mapping that was never written reads the same bytes again from the file.
  if (!pages.empty()) ::madvise(pages.data(), pages.size(), MADV_DONTNEED);
}

std::span<std::byte> open_for_change(std::span<const std::byte> range) {
  const auto page = std::uintptr_t(::sysconf(_SC_PAGESIZE));
  auto* const data = const_cast<std::byte*>(range.data());  // what the new protection allows
  const std::size_t before = reinterpret_cast<std::uintptr_t>(data) % page;
  if (::mprotect(data - before, range.size() + before, PROT_READ | PROT_WRITE) != 0)
    throw Error(Errc::io, fmt::format("memory of a mapped file cannot be changed: {}", reason(errno)));
  return {data, range.size()};
}

}  // namespace longhand
