// Memory that ends where a page begins that nobody may touch: kernels are built without sanitizers.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <new>
#include <utility>

namespace longhand::fuzz {

/// n values, zero.
template <class T>
class Guarded {
 public:
  Guarded() = default;
  explicit Guarded(std::size_t n) : size_(n), whole_((n * sizeof(T) + kPage - 1) / kPage * kPage + kPage) {
    void* pages = ::mmap(nullptr, whole_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    pages_ = static_cast<std::byte*>(pages);
    ::mprotect(pages_ + whole_ - kPage, kPage, PROT_NONE);
  }
  ~Guarded() {
    if (pages_ != nullptr) ::munmap(pages_, whole_);
  }
  Guarded(Guarded&& other) noexcept
      : size_(std::exchange(other.size_, 0)),
        whole_(other.whole_),
        pages_(std::exchange(other.pages_, nullptr)) {}
  Guarded& operator=(Guarded&& other) noexcept {
    std::swap(size_, other.size_);
    std::swap(whole_, other.whole_);
    std::swap(pages_, other.pages_);
    return *this;
  }

  T* data() const noexcept {
    return pages_ == nullptr ? nullptr : reinterpret_cast<T*>(pages_ + whole_ - kPage) - size_;
  }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T& operator[](std::size_t i) const noexcept { return data()[i]; }
  T* begin() const noexcept { return data(); }
  T* end() const noexcept { return data() + size_; }

 private:
  static constexpr std::size_t kPage = 4096;
  std::size_t size_ = 0, whole_ = 0;
  std::byte* pages_ = nullptr;
};

}  // namespace longhand::fuzz
