// Pieces of one buffer, in the order they are asked for.
#pragma once

#include <cstddef>
#include <cstdint>

namespace longhand {

/// What a block works with is laid out in one place: its constructor takes pieces from a carver. A carver
/// without a buffer hands out null pointers and counts, so that the same code says how much it needs.
class Carver {
 public:
  explicit Carver(std::byte* buffer = nullptr) noexcept : buffer_(buffer) {}

  /// Room for n values, aligned to cache lines.
  template <class T>
  T* take(std::int64_t n) noexcept {
    std::byte* at = buffer_ == nullptr ? nullptr : buffer_ + used_;
    constexpr std::size_t kLine = 64;
    used_ += (std::size_t(n) * sizeof(T) + kLine - 1) / kLine * kLine;
    return reinterpret_cast<T*>(at);
  }
  float* floats(std::int64_t rows, std::int64_t cols) noexcept { return take<float>(rows * cols); }

  std::size_t used() const noexcept { return used_; }

 private:
  std::byte* buffer_;
  std::size_t used_ = 0;
};

}  // namespace longhand
