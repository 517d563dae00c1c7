#include "ops/host/pinning.h"

#include <algorithm>
#include <bitset>
#include <thread>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace longhand {
namespace {

// As the kernel has it, a bit for each CPU: the library's functions are for no more than 1024.
using CpuMask = unsigned long[128];
constexpr int kWordBits = 8 * int(sizeof(unsigned long));

#if defined(__linux__)
long get_mask(CpuMask& mask) noexcept { return syscall(SYS_sched_getaffinity, 0, sizeof mask, mask); }
bool set_mask(const CpuMask& mask, long bytes) noexcept {
  return syscall(SYS_sched_setaffinity, 0, bytes, mask) == 0;
}
#else
long get_mask(CpuMask&) noexcept { return 0; }
bool set_mask(const CpuMask&, long) noexcept { return false; }
#endif

}  // namespace

std::vector<int> own_cpus() {
  CpuMask mask{};
  std::vector<int> cpus;
  const long bytes = get_mask(mask);
  for (int id = 0; id < 8 * bytes; ++id) {
    if (mask[id / kWordBits] >> (id % kWordBits) & 1) cpus.push_back(id);
  }
  if (!cpus.empty()) return cpus;
  for (int id = 0; id < std::max(1, int(std::thread::hardware_concurrency())); ++id) cpus.push_back(id);
  return cpus;
}

int cpus_in(const CpuSets& sets) noexcept {
  std::bitset<std::size(CpuMask{}) * kWordBits> named;
  for (const std::vector<int>& set : sets) {
    for (const int id : set) {
      if (id >= 0 && std::size_t(id) < named.size()) named.set(std::size_t(id));
    }
  }
  return int(named.count());
}

bool pin_thread(const std::vector<int>& cpus) noexcept {
  CpuMask mask{};
  for (const int id : cpus) {
    if (id >= 0 && id < int(std::size(mask)) * kWordBits) mask[id / kWordBits] |= 1UL << (id % kWordBits);
  }
  return set_mask(mask, sizeof mask);
}

Pinned::Pinned(const std::vector<int>& cpus) noexcept {
  static_assert(sizeof before_ == sizeof(CpuMask));
  if (cpus.empty()) return;
  const long bytes = get_mask(before_);
  if (bytes > 0 && pin_thread(cpus)) bytes_ = bytes;
}

Pinned::~Pinned() {
  if (bytes_ > 0) set_mask(before_, bytes_);
}

}  // namespace longhand
