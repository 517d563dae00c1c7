// A cursor over the bytes of a file that cannot leave them.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "ops/error.h"

namespace longhand {

static_assert(std::endian::native == std::endian::little,
              "GGUF files are little-endian and are read in place");

/// `text` in quotes, escaped and short enough that a message keeps room for the rule it is about.
std::string quote(std::string_view text);

/// What is being read, for messages: "tensor 'blk.0.attn_q.weight'", or "tensor #3" before its name is known.
struct GgufItem {
  std::string_view kind;
  std::uint64_t index = 0;
  std::string_view name;
};

class GgufReader {
 public:
  GgufReader(std::span<const std::byte> file, std::string_view file_name)
      : file_(file), file_name_(file_name) {}

  std::uint64_t offset() const noexcept { return offset_; }
  std::uint64_t bytes_left() const noexcept { return file_.size() - offset_; }
  std::span<const std::byte> file() const noexcept { return file_; }
  /// From here on messages are about `item`.
  void enter(const GgufItem& item) noexcept { item_ = item; }

  /// The next `bytes` bytes. Throws Error (truncated), like all reading here.
  std::span<const std::byte> take(std::uint64_t bytes, std::string_view field);
  template <class T>
  T number(std::string_view field) {
    T value;
    std::memcpy(&value, take(sizeof value, field).data(), sizeof value);
    return value;
  }
  /// A u64 length and as many bytes. Throws also limit.
  std::string_view text(std::string_view field, std::uint64_t max_bytes);
  /// A name: text of 1..max_bytes bytes, valid UTF-8 without control bytes. Throws also limit, range.
  std::string_view name(std::string_view field, std::uint64_t max_bytes);
  /// A u64 number of things that take at least `least_bytes` each. Throws also limit.
  std::uint64_t count(std::string_view field, std::uint64_t max_count, std::uint64_t least_bytes);

  /// Throws Error `code` with file, item, `what` and the `offset` of the offending field.
  [[noreturn]] void fail(Errc code, std::uint64_t offset, std::string_view what) const;

 private:
  std::span<const std::byte> file_;
  std::string_view file_name_;
  std::uint64_t offset_ = 0;
  GgufItem item_{"header", 0, {}};
};

}  // namespace longhand
