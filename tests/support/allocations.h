// Watches what this thread allocates with operator new. A program that uses it has its operator new replaced.
#pragma once

#include <cstddef>

namespace longhand::test {

/// Bytes allocated by this thread since construction; at most one at a time.
class AllocationMeter {
 public:
  AllocationMeter();
  ~AllocationMeter();
  AllocationMeter(const AllocationMeter&) = delete;
  AllocationMeter& operator=(const AllocationMeter&) = delete;
  /// The most that was held at once.
  std::size_t peak_bytes() const;
};

/// While it lives, the allocation number `n` (from 0) of this thread throws std::bad_alloc, and with
/// `lasting` every later one too.
class FailingAllocation {
 public:
  explicit FailingAllocation(std::size_t n, bool lasting = false);
  ~FailingAllocation();
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;
  /// Whether that many allocations took place.
  bool failed() const;
};

/// Counts an allocation made by other means than operator new; true: it must fail.
bool allocation_must_fail() noexcept;

/// What this thread has allocated with operator new and nobody has freed, minus what it freed of others.
std::ptrdiff_t live_allocations() noexcept;
/// How often this thread has called operator new, and how often all threads have.
std::size_t allocations_made() noexcept;
std::size_t allocations_made_by_all() noexcept;

}  // namespace longhand::test
