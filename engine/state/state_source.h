// Where a saved state is read from: a file, or memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "ops/error.h"

namespace longhand {

/// Bytes that can be read from any place. All that fails throws Error, with the source's name.
class StateSource {
 public:
  /// A regular file; never follows a link, never waits. Throws Error(io).
  static StateSource of_file(const std::string& path);
  /// Memory that stays while it is read.
  static StateSource of_memory(std::span<const std::byte> bytes);
  ~StateSource();
  StateSource(StateSource&& other) noexcept;
  StateSource& operator=(StateSource&&) = delete;

  std::uint64_t size() const noexcept { return size_; }
  /// Throws Error: io, truncated (a file became shorter).
  void read(std::uint64_t at, std::span<std::byte> to) const;
  [[noreturn]] void fail(Errc code, std::string_view what) const;

 private:
  explicit StateSource(std::string name) : name_(std::move(name)) {}
  [[noreturn]] void fail_system(std::string_view what) const;

  std::string name_;
  int fd_ = -1;
  std::span<const std::byte> memory_;
  std::uint64_t size_ = 0;
};

}  // namespace longhand
