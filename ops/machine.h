// What the machine grants this process.
#pragma once

#include <cstdint>

namespace longhand {

/// Physical cores this process may use: affinity mask and cgroup quota respected, at least 1.
int usable_cores() noexcept;

/// Starts `n` threads at once and ends them. Throws Error (no_memory) where the system refuses one. OpenMP
/// ends the program in that case, so whoever wants a team asks here first.
void try_threads(int n);

/// Bytes of memory this process may still take without swapping: the system's estimate and the cgroup's
/// limit, whichever is less; 0 when unknown.
std::uint64_t available_memory() noexcept;

}  // namespace longhand
