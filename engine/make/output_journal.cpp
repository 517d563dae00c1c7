#include "engine/make/output_journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/state/checksum.h"
#include "ops/error.h"

namespace longhand {
namespace {

constexpr std::size_t kSumDigits = 8;  // of a line, which ends behind them

struct Descriptor {
  Descriptor(const std::string& path, int flags) : fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags)) {}
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  const int fd;
};

// False where the file ends before.
bool read_at(int fd, std::uint64_t offset, std::span<std::byte> to) {
  while (!to.empty()) {
    const ssize_t n = ::pread(fd, to.data(), to.size(), off_t(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to = to.subspan(std::size_t(n));
    offset += std::uint64_t(n);
  }
  return true;
}

// `tick` is called after each piece. Other files may have better use for the memory that was read through.
template <class Tick>
std::optional<std::uint32_t> checksum_at(int fd, std::uint64_t offset, std::uint64_t size, const Tick& tick) {
  constexpr std::uint64_t kPiece = std::uint64_t{1} << 20;
  std::vector<std::byte> piece;
  std::uint32_t sum = 0;
  for (std::uint64_t done = 0; done < size; done += piece.size()) {
    piece.resize(std::size_t(std::min(kPiece, size - done)));
    if (!read_at(fd, offset + done, piece)) return {};
    sum = crc32c(piece, sum);
    ::posix_fadvise(fd, off_t(offset + done), off_t(piece.size()), POSIX_FADV_DONTNEED);
    tick();
  }
  return sum;
}

// Nothing of a journal that is longer than `most`, or cannot be read.
std::string read_journal(const std::string& path, std::uint64_t most) {
  const Descriptor file(path, O_NOFOLLOW | O_NONBLOCK);
  struct stat status {};
  if (file.fd < 0 || ::fstat(file.fd, &status) != 0 || !S_ISREG(status.st_mode)) return {};
  if (status.st_uid != ::geteuid() || std::uint64_t(status.st_size) > most) return {};
  std::string text(std::size_t(status.st_size), '\0');
  return read_at(file.fd, 0, std::as_writable_bytes(std::span(text))) ? text : std::string();
}

bool begins_with(int fd, const std::string& head) {
  std::vector<std::byte> bytes(head.size());
  return read_at(fd, 0, bytes) && std::ranges::equal(bytes, std::as_bytes(std::span(head)));
}

// A line of a checksum at the front of `text`, which is taken from it.
std::optional<std::uint32_t> take_sum(std::string_view& text) {
  if (text.size() <= kSumDigits || text[kSumDigits] != '\n') return {};
  std::uint32_t sum = 0;
  const char* const end = text.data() + kSumDigits;
  if (std::from_chars(text.data(), end, sum, 16).ptr != end) return {};
  text.remove_prefix(kSumDigits + 1);
  return sum;
}

}  // namespace

std::string source_state(std::span<const std::string> files) {
  constexpr std::size_t kHead = std::size_t{1} << 16;
  std::string lines;
  for (const std::string& path : files) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) continue;  // opening it tells why
    const Descriptor file(path, O_NONBLOCK);
    const std::uint64_t head = std::min(std::uint64_t{kHead}, std::uint64_t(status.st_size));
    lines += fmt::format("{} {}.{:09} {:08x}\n", status.st_size, status.st_mtim.tv_sec,
                         status.st_mtim.tv_nsec, checksum_at(file.fd, 0, head, [] {}).value_or(0));
  }
  return lines;
}

OutputJournal::OutputJournal(const std::string& sources)
    : sources_(fmt::format("longhand {}\n{}tensors\n", LONGHAND_VERSION, sources)) {}

// Another run may have begun a journal of the same name: that one stays.
OutputJournal::~OutputJournal() {
  if (fd_ < 0) return;
  struct stat own {
  }, there{};
  const bool known = ::fstat(fd_, &own) == 0 && ::lstat(path_.c_str(), &there) == 0;
  if (!kept_ && known && own.st_ino == there.st_ino && own.st_dev == there.st_dev) ::unlink(path_.c_str());
  ::close(fd_);
}

std::uint64_t OutputJournal::check(int fd, const std::string& temporary, const GgufHead& head,
                                   const Checked& checked) {
  sums_.clear();
  const std::string start = head.bytes();
  const std::uint64_t most = sources_.size() + head.tensors.size() * (kSumDigits + 1);
  const std::string text = read_journal(temporary + std::string(kJournal), most);
  if (!text.starts_with(sources_) || !begins_with(fd, start)) return 0;
  std::string_view lines = std::string_view(text).substr(sources_.size());
  struct stat status {};
  if (::fstat(fd, &status) != 0) return 0;
  const auto tick = [&] {
    if (checked) checked(sums_.size());
  };
  std::uint64_t end = start.size();
  for (const GgufHead::Tensor& tensor : head.tensors) {
    const std::optional<std::uint32_t> sum = take_sum(lines);
    const std::uint64_t size = head.round_up(tensor.bytes), next = end + size;
    if (!sum || next > std::uint64_t(status.st_size) || checksum_at(fd, end, size, tick) != sum) break;
    sums_.push_back(*sum);
    end = next;
  }
  return sums_.empty() ? 0 : end;
}

void OutputJournal::open(const std::string& temporary, bool goes_on) {
  path_ = temporary + std::string(kJournal);
  if (goes_on ? go_on() : begin()) return;
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

// What check() accepted stays as it is, so that nothing is lost where this run is ended at once.
bool OutputJournal::go_on() noexcept {
  fd_ = ::open(path_.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  const auto accepted = off_t(sources_.size() + sums_.size() * (kSumDigits + 1));
  return fd_ >= 0 && ::ftruncate(fd_, accepted) == 0 && ::lseek(fd_, 0, SEEK_END) == accepted;
}

bool OutputJournal::begin() noexcept {
  sums_.clear();
  ::unlink(path_.c_str());
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd_ < 0) return false;
  if (write(sources_)) return true;
  ::unlink(path_.c_str());
  return false;
}

void OutputJournal::add(std::uint32_t checksum) noexcept {
  char digits[kSumDigits + 2];
  fmt::format_to_n(digits, sizeof digits, "{:08x}\n", checksum);
  if (fd_ >= 0 && !ended_) ended_ = !write(std::string_view(digits, kSumDigits + 1));
}

bool OutputJournal::write(std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t n = ::write(fd_, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(std::size_t(n));
  }
  return true;
}

}  // namespace longhand
