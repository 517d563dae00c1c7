#include "tests/support/allocations.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

namespace longhand::test {
namespace {

// Plain data: the runtime allocates before any constructor of ours could run.
struct Watch {
  bool metering;
  std::ptrdiff_t held, peak;
  bool failing, lasting, failed;
  std::size_t until_failure;
  std::ptrdiff_t live;
  std::size_t made;
};
thread_local constinit Watch watch{};
constinit std::atomic<std::size_t> made_by_all{0};

void* allocate(std::size_t bytes, std::size_t alignment) {
  if (allocation_must_fail()) throw std::bad_alloc();
  void* memory = nullptr;
  if (::posix_memalign(&memory, std::max(alignment, sizeof(void*)), std::max<std::size_t>(bytes, 1)) != 0) {
    throw std::bad_alloc();
  }
  ++watch.live;
  ++watch.made;
  made_by_all.fetch_add(1, std::memory_order_relaxed);
  if (watch.metering) {
    watch.held += std::ptrdiff_t(::malloc_usable_size(memory));
    watch.peak = std::max(watch.peak, watch.held);
  }
  return memory;
}

void release(void* memory) noexcept {
  if (memory != nullptr) --watch.live;
  if (watch.metering && memory != nullptr) watch.held -= std::ptrdiff_t(::malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

AllocationMeter::AllocationMeter() { watch.metering = true, watch.held = watch.peak = 0; }
AllocationMeter::~AllocationMeter() { watch.metering = false; }
std::size_t AllocationMeter::peak_bytes() const { return std::size_t(watch.peak); }

FailingAllocation::FailingAllocation(std::size_t n, bool lasting) {
  watch.lasting = lasting;
  watch.failed = false;
  watch.until_failure = n;
  watch.failing = true;
}
FailingAllocation::~FailingAllocation() { watch.failing = false; }
bool FailingAllocation::failed() const { return watch.failed; }

bool allocation_must_fail() noexcept {
  if (!watch.failing || watch.until_failure-- != 0) return false;
  watch.failed = true;
  watch.failing = watch.lasting;
  watch.until_failure = 0;
  return true;
}

std::ptrdiff_t live_allocations() noexcept { return watch.live; }
std::size_t allocations_made() noexcept { return watch.made; }
std::size_t allocations_made_by_all() noexcept { return made_by_all.load(std::memory_order_relaxed); }

}  // namespace longhand::test

void* operator new(std::size_t bytes) { return longhand::test::allocate(bytes, alignof(std::max_align_t)); }
void* operator new[](std::size_t bytes) { return longhand::test::allocate(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return longhand::test::allocate(bytes, std::size_t(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return longhand::test::allocate(bytes, std::size_t(alignment));
}
// A sanitizer has its own of these, whose memory release() could not give back.
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  try {
    return ::operator new(bytes);
  } catch (const std::bad_alloc&) { return nullptr; }
}
void* operator new[](std::size_t bytes, const std::nothrow_t& none) noexcept {
  return ::operator new(bytes, none);
}
void operator delete(void* memory) noexcept { longhand::test::release(memory); }
void operator delete[](void* memory) noexcept { longhand::test::release(memory); }
void operator delete(void* memory, std::size_t) noexcept { longhand::test::release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { longhand::test::release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { longhand::test::release(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { longhand::test::release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  longhand::test::release(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  longhand::test::release(memory);
}
