// Memory that ends where the next page may not be touched, so that one byte too many is a fault at once.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <new>
#include <vector>

namespace longhand::test {

template <class T>
struct GuardedAllocator {
  using value_type = T;
  GuardedAllocator() = default;
  template <class U>
  GuardedAllocator(const GuardedAllocator<U>&) noexcept {}
  bool operator==(const GuardedAllocator&) const = default;

  T* allocate(std::size_t n) {
    const std::size_t pages = pages_of(n);
    void* const start =
        ::mmap(nullptr, pages + page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED || ::mprotect(static_cast<std::byte*>(start) + pages, page(), PROT_NONE) != 0)
      throw std::bad_alloc();
    return reinterpret_cast<T*>(static_cast<std::byte*>(start) + pages - n * sizeof(T));
  }
  void deallocate(T* at, std::size_t n) noexcept {
    const std::size_t pages = pages_of(n);
    ::munmap(reinterpret_cast<std::byte*>(at) + n * sizeof(T) - pages, pages + page());
  }

 private:
  static std::size_t page() noexcept { return std::size_t(::sysconf(_SC_PAGESIZE)); }
  static std::size_t pages_of(std::size_t n) noexcept {
    return (n * sizeof(T) + page() - 1) / page() * page();
  }
};

/// A vector whose last element lies right before such a page, if it never grows.
template <class T>
using Guarded = std::vector<T, GuardedAllocator<T>>;

}  // namespace longhand::test
