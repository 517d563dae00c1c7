// The frame of a saved state: head, sections with their checksums, end. What is in the sections is not known
// here; state_file.h describes both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "engine/state/state_source.h"

namespace longhand {

/// The bytes of a plain struct.
template <class T>
std::span<std::byte> bytes_of(T& value) noexcept {
  return std::as_writable_bytes(std::span(&value, 1));
}

/// Bytes of a state whose `sections` have `content` bytes together.
std::uint64_t framed_bytes(std::size_t sections, std::uint64_t content) noexcept;

/// Where a state is written to.
class StateSink {
 public:
  virtual ~StateSink() = default;
  virtual void write(std::span<const std::byte> content) = 0;
};

class StateWriter {
 public:
  /// `size` is that of the whole state, see framed_bytes().
  StateWriter(StateSink& sink, std::uint64_t size);
  void section(std::span<const std::byte> content);
  void finish();

 private:
  StateSink& sink_;
  std::uint64_t size_;
  std::uint32_t number_ = 0;
};

/// Reads sections in turn. All members throw Error: corrupt, and what the source throws.
class StateReader {
 public:
  /// Throws Error: truncated, magic, version, corrupt.
  explicit StateReader(StateSource source);

  /// The next section becomes the one that is read. Nothing of a longer one is looked at.
  void open_section(std::uint64_t longest);
  /// What comes next in the section.
  void take(std::span<std::byte> to);
  void skip_rest();
  void close_section();
  std::vector<std::byte> whole_section(std::uint64_t longest);
  /// Nothing may follow the last section.
  void finish() const;

  /// Between two sections.
  struct Place {
    std::uint64_t at;
    std::uint32_t next;
  };
  Place place() const noexcept { return {at_, next_}; }
  void go_to(Place place) noexcept {
    at_ = place.at;
    next_ = place.next;
  }

  /// About the section opened last.
  [[noreturn]] void fail(Errc code, std::string_view what) const;
  const StateSource& source() const noexcept { return source_; }

 private:
  void check_sizes();
  void read(std::span<std::byte> to);

  StateSource source_;
  std::uint64_t at_ = 0, end_ = 0;
  std::uint32_t next_ = 0, number_ = 0;  // of the section to come, of the one opened last
  std::uint32_t checksum_ = 0;           // of the latter, as it says itself, ...
  std::uint64_t left_ = 0;               // ... bytes of it to come, ...
  std::uint32_t sum_ = 0;                // ... and the checksum of those taken
};

}  // namespace longhand
