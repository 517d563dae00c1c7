#include "ops/buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "ops/error.h"

namespace longhand {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

}  // namespace

// mmap for every size: memory arrives zeroed without being touched, so that pages belong to the thread that
// first writes them and a cache that is never filled never becomes resident.
Buffer::Buffer(std::size_t bytes) {
  if (bytes == 0) return;
  const bool huge = bytes >= 2 * kHugePage;
  const std::size_t slack = huge ? kHugePage : 0;
  const auto refuse = [&] {
    return Error(Errc::no_memory, "cannot allocate " + std::to_string(bytes >> 20) + " MiB (" +
                                      std::to_string(bytes) + " bytes)");
  };
  if (bytes > SIZE_MAX / 2) throw refuse();
  const auto page = std::size_t(sysconf(_SC_PAGESIZE));
  bytes = (bytes + page - 1) / page * page;
  void* p = mmap(nullptr, bytes + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) throw refuse();
  if (huge) {
    // Trim to a 2 MiB boundary, so that huge pages cover the start too.
    const auto start = reinterpret_cast<std::uintptr_t>(p);
    const std::uintptr_t aligned = (start + slack - 1) / kHugePage * kHugePage;
    const std::size_t before = aligned - start;
    std::byte* const from = static_cast<std::byte*>(p) + before;
    if (before > 0) munmap(p, before);
    if (slack > before) munmap(from + bytes, slack - before);
    p = from;
#ifdef MADV_HUGEPAGE
    madvise(p, bytes, MADV_HUGEPAGE);
#endif
  }
  data_ = static_cast<std::byte*>(p);
  size_ = bytes;
}

Buffer::~Buffer() {
  if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace longhand
