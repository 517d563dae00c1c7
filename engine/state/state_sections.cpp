#include "engine/state/state_sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "engine/state/checksum.h"

namespace longhand {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

constexpr std::string_view kMagic = "LONGHAND";
constexpr std::uint32_t kVersion = 3;
constexpr std::size_t kPiece = 16 << 10;  // of what is read for its checksum alone

struct FileHead {
  char magic[8];
  std::uint32_t version, zero;
  std::uint64_t size;
};
struct SectionHead {
  std::uint32_t number, checksum;
  std::uint64_t length;
};
using FileTail = std::uint64_t;

// Of a section without content.
std::uint32_t checksum_of(const SectionHead& head) noexcept {
  const std::uint32_t number = crc32c(std::as_bytes(std::span(&head.number, 1)));
  return crc32c(std::as_bytes(std::span(&head.length, 1)), number);
}

}  // namespace

std::uint64_t framed_bytes(std::size_t sections, std::uint64_t content) noexcept {
  return sizeof(FileHead) + sections * sizeof(SectionHead) + content + sizeof(FileTail);
}

StateWriter::StateWriter(StateSink& sink, std::uint64_t size) : sink_(sink), size_(size) {
  FileHead head{{}, kVersion, 0, size};
  std::copy(kMagic.begin(), kMagic.end(), head.magic);
  sink_.write(bytes_of(head));
}

void StateWriter::section(std::span<const std::byte> content) {
  SectionHead head{number_++, 0, content.size()};
  head.checksum = crc32c(content, checksum_of(head));
  sink_.write(bytes_of(head));
  sink_.write(content);
}

void StateWriter::finish() {
  FileTail tail = size_;
  sink_.write(bytes_of(tail));
}

StateReader::StateReader(StateSource source) : source_(std::move(source)) { check_sizes(); }

void StateReader::open_section(std::uint64_t longest) {
  number_ = next_++;
  SectionHead head{};
  if (end_ - at_ < sizeof head) fail(Errc::corrupt, "the section is missing");
  read(bytes_of(head));
  if (head.number != number_) fail(Errc::corrupt, fmt::format("section {} is in its place", head.number));
  left_ = head.length;
  if (left_ > end_ - at_)
    fail(Errc::corrupt, fmt::format("length is {}, must be at most the {} bytes left", left_, end_ - at_));
  if (left_ > longest)
    fail(Errc::corrupt, fmt::format("length is {}, must be at most {} in this session", left_, longest));
  checksum_ = head.checksum;
  sum_ = checksum_of(head);
}

void StateReader::take(std::span<std::byte> to) {
  if (to.size() > left_) fail(Errc::corrupt, fmt::format("{} bytes are missing", to.size() - left_));
  read(to);
  sum_ = crc32c(to, sum_);
  left_ -= to.size();
}

void StateReader::skip_rest() {
  std::array<std::byte, kPiece> piece;
  while (left_ > 0) take(std::span(piece).first(std::size_t(std::min<std::uint64_t>(left_, kPiece))));
}

void StateReader::close_section() {
  if (left_ > 0) fail(Errc::corrupt, fmt::format("{} bytes are too many", left_));
  if (checksum_ != sum_) fail(Errc::corrupt, "the checksum does not hold");
}

std::vector<std::byte> StateReader::whole_section(std::uint64_t longest) {
  open_section(longest);
  std::vector<std::byte> content(std::size_t{left_});
  take(content);
  close_section();
  return content;
}

void StateReader::finish() const {
  if (at_ != end_) fail(Errc::corrupt, fmt::format("{} bytes follow the last layer", end_ - at_));
}

void StateReader::fail(Errc code, std::string_view what) const {
  source_.fail(code, fmt::format("section {}: {}", number_, what));
}

void StateReader::check_sizes() {
  const std::uint64_t size = source_.size();
  FileHead head{};
  FileTail tail = 0;
  if (size < sizeof head + sizeof tail)
    source_.fail(Errc::truncated, fmt::format("{} bytes are too few for a saved state", size));
  end_ = size - sizeof tail;
  read(bytes_of(head));
  if (std::string_view(head.magic, sizeof head.magic) != kMagic)
    source_.fail(Errc::magic, "not a saved state");
  if (head.version != kVersion || head.zero != 0)
    source_.fail(Errc::version,
                 fmt::format("states of version {} are not read, must be {}", head.version, kVersion));
  if (head.size != size)
    source_.fail(head.size > size ? Errc::truncated : Errc::corrupt,
                 fmt::format("the file has {} bytes, must have {}", size, head.size));
  const std::uint64_t first = std::exchange(at_, end_);
  read(bytes_of(tail));
  at_ = first;
  if (tail != size)
    source_.fail(Errc::corrupt, fmt::format("the file has {} bytes, its end says {}", size, tail));
}

void StateReader::read(std::span<std::byte> to) {
  source_.read(at_, to);
  at_ += to.size();
}

}  // namespace longhand
