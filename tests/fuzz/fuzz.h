// What the fuzz targets share. A target is one function, run(), that every input goes through: it checks
// properties of what the library makes of it, and ends the program where one does not hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "ops/error.h"

namespace longhand::fuzz {

/// Every target defines it. `input` lies in an allocation of exactly its size.
void run(std::string_view input);

/// Ends the program: an input was found under which `what` is not so.
[[noreturn]] void find(std::string_view what);

/// `holds`, or a find.
inline void check(bool holds, std::string_view what) {
  if (!holds) find(what);
}

/// The message must be one line of printable text, at most 500 bytes, that ends in the error's code.
void check_clear(const Error& error);

/// Calls f; false where it refused its input with a clear error.
template <class Function>
bool accepts(const Function& f) {
  try {
    f();
    return true;
  } catch (const Error& error) {
    check_clear(error);
    return false;
  }
}

/// Numbers from the front of an input; zeros once it is used up.
class Input {
 public:
  explicit Input(std::string_view bytes) : rest_(bytes) {}

  template <class T = std::uint8_t>
  T number() {
    static_assert(std::is_arithmetic_v<T>);
    T value{};
    const std::size_t n = rest_.size() < sizeof value ? rest_.size() : sizeof value;
    std::memcpy(&value, rest_.data(), n);
    rest_.remove_prefix(n);
    return value;
  }
  /// 0 .. n - 1
  std::size_t below(std::size_t n) { return number<std::uint16_t>() % n; }
  /// Up to the next `end` byte, which is taken too.
  std::string_view until(char end) {
    const std::size_t at = rest_.find(end);
    const std::string_view taken = rest_.substr(0, at);
    rest_.remove_prefix(at == std::string_view::npos ? rest_.size() : at + 1);
    return taken;
  }
  std::string_view rest() const { return rest_; }
  bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

/// FNV-1a: options that should not be part of the input are drawn from it.
inline std::uint64_t hash(std::string_view bytes) {
  std::uint64_t sum = 0xCBF29CE484222325;
  for (const char c : bytes) {
    sum ^= std::uint8_t(c);
    __builtin_mul_overflow(sum, 0x100000001B3, &sum);
  }
  return sum;
}

inline std::span<const std::byte> as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

/// A regular file in memory, with a path to open it by.
class MemoryFile {
 public:
  MemoryFile();
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  void write(std::string_view content) const;
  int descriptor() const { return fd_; }
  const std::string& path() const { return path_; }

 private:
  int fd_;
  std::string path_;
};

}  // namespace longhand::fuzz
