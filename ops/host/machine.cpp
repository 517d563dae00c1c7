#include "ops/host/machine.h"

#if defined(__linux__)
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "ops/host/control_group.h"
#include "ops/host/small_files.h"

namespace longhand {
namespace {

#if defined(__linux__)

// Distinct cores among the CPUs of the affinity mask: two hyper-threads share one core's vector units.
int affinity_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
  std::set<std::pair<std::string, std::string>> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &set)) continue;
    const std::string topology = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    std::string core = first_line(topology + "core_id");
    if (core.empty()) core = "cpu" + std::to_string(cpu);
    cores.emplace(first_line(topology + "physical_package_id"), core);
  }
  return int(cores.size());
}

// What a limit on the address space leaves; the greatest number without one.
std::uint64_t address_space() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t used = number_in("/proc/self/statm") * std::uint64_t(sysconf(_SC_PAGESIZE));
  return limit.rlim_cur > used ? limit.rlim_cur - used : 1;
}

std::uint64_t system_memory() { return number_after("/proc/meminfo", "MemAvailable:") << 10; }

#endif

}  // namespace

std::uint64_t available_memory() noexcept {
#if defined(__linux__)
  try {
    const std::uint64_t system = system_memory();
    return system == 0 ? 0 : std::min({system, group_limits().memory, address_space()});
  } catch (...) {}
#endif
  return 0;
}

int usable_cores() noexcept {
  try {
    int cores = 0;
#if defined(__linux__)
    cores = affinity_cores();
    if (const int quota = group_limits().cpus; quota > 0) cores = std::min(cores, quota);
#endif
    if (cores <= 0) cores = int(std::thread::hardware_concurrency());
    return std::max(cores, 1);
  } catch (...) { return 1; }
}

}  // namespace longhand
