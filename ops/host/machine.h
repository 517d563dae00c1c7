// What the machine grants this process.
#pragma once

#include <cstdint>

namespace longhand {

/// Physical cores this process may use: affinity mask and cgroup quota respected, at least 1.
int usable_cores() noexcept;

/// Bytes of memory this process may still take without swapping: the least of the system's estimate, the
/// control group's limit and what is left of the address space; 0 when unknown.
std::uint64_t available_memory() noexcept;

}  // namespace longhand
