// On which CPUs a thread runs. Nothing happens where the system has no such notion.
#pragma once

#include <vector>

#include "ops/topology.h"

namespace longhand {

/// The CPUs the calling thread may run on, ascending; one for each the machine has where the system does not
/// tell.
std::vector<int> own_cpus();

/// How many CPUs the sets name together.
int cpus_in(const CpuSets& sets) noexcept;

/// The calling thread runs on `cpus` from now on. False where the system refuses.
bool pin_thread(const std::vector<int>& cpus) noexcept;

/// The calling thread runs on `cpus` as long as this lives; wherever it may already where they are none.
class Pinned {
 public:
  explicit Pinned(const std::vector<int>& cpus) noexcept;
  ~Pinned();
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

 private:
  static constexpr int kWords = 128;  // for 8192 CPUs
  unsigned long before_[kWords];
  long bytes_ = 0;  // of before_ that mean something; 0: nothing to restore
};

}  // namespace longhand
