#include "ops/machine.h"

#if defined(__linux__)
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace longhand {
namespace {

#if defined(__linux__)

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

// CPUs worth of time the control group grants, rounded up; 0 when unlimited.
int cgroup_cpus() {
  long quota = 0, period = 0;
  if (std::sscanf(first_line("/sys/fs/cgroup/cpu.max").c_str(), "%ld %ld", &quota, &period) == 2 &&
      period > 0) {
    return int((quota + period - 1) / period);
  }
  const std::string v1 = "/sys/fs/cgroup/cpu/cpu.cfs_";
  if (std::sscanf(first_line(v1 + "quota_us").c_str(), "%ld", &quota) == 1 && quota > 0 &&
      std::sscanf(first_line(v1 + "period_us").c_str(), "%ld", &period) == 1 && period > 0) {
    return int((quota + period - 1) / period);
  }
  return 0;
}

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

std::uint64_t number_in(const std::string& path) {
  unsigned long long value = 0;
  return std::sscanf(first_line(path).c_str(), "%llu", &value) == 1 ? value : 0;
}

// The number in the line that begins with `name`; 0 without one.
std::uint64_t number_after(const std::string& path, std::string_view name) {
  std::ifstream in(path);
  for (std::string word; in >> word;) {
    std::uint64_t value = 0;
    if (word == name && in >> value) return value;
  }
  return 0;
}

// Memory the control group leaves; the greatest number when it sets no limit. Cached files count as used
// there, but make room when asked.
std::uint64_t cgroup_memory() {
  const std::string v2 = "/sys/fs/cgroup/memory.", v1 = "/sys/fs/cgroup/memory/memory.";
  std::uint64_t limit = number_in(v2 + "max"), used = number_in(v2 + "current"),
                files = number_after(v2 + "stat", "active_file") + number_after(v2 + "stat", "inactive_file");
  if (limit == 0) {
    limit = number_in(v1 + "limit_in_bytes"), used = number_in(v1 + "usage_in_bytes");
    files = number_after(v1 + "stat", "total_active_file") + number_after(v1 + "stat", "total_inactive_file");
  }
  if (limit == 0) return std::numeric_limits<std::uint64_t>::max();
  used -= std::min(used, files);
  return limit > used ? limit - used : 1;  // 0 would mean unknown
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
    return system == 0 ? 0 : std::min({system, cgroup_memory(), address_space()});
  } catch (...) {}
#endif
  return 0;
}

int usable_cores() noexcept {
  try {
    int cores = 0;
#if defined(__linux__)
    cores = affinity_cores();
    if (const int quota = cgroup_cpus(); quota > 0) cores = std::min(cores, quota);
#endif
    if (cores <= 0) cores = int(std::thread::hardware_concurrency());
    return std::max(cores, 1);
  } catch (...) { return 1; }
}

}  // namespace longhand
