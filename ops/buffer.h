// Owning, aligned memory for weights, caches and activations.
#pragma once

#include <cstddef>
#include <utility>

namespace longhand {

/// Zero-filled memory aligned to 64 bytes; large ones to 2 MiB and backed by huge pages where the
/// system has them.
class Buffer {
 public:
  Buffer() = default;
  /// At least `bytes`, in whole pages. Throws Error(no_memory) naming the size.
  explicit Buffer(std::size_t bytes);
  ~Buffer();
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  template <class T>
  T* as() const noexcept {
    return reinterpret_cast<T*>(data_);
  }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace longhand
