#include "ops/parallel.h"

#include <omp.h>
#if defined(__linux__)
#include <sched.h>
#endif

#include <cstdio>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <utility>

namespace longhand {
namespace {

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// About 20 us of spinning at 40 cycles a pause: longer than any stage should leave a worker waiting.
constexpr int kSpins = 2000;

}  // namespace

void Barrier::wait() noexcept {
  const std::uint32_t phase = phase_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) == workers_ - 1) {
    arrived_.store(0, std::memory_order_relaxed);
    phase_.store(phase + 1, std::memory_order_release);
    return;
  }
  for (int spins = 0; phase_.load(std::memory_order_acquire) == phase; ++spins) {
    if (spins < kSpins) {
      relax();
    } else {
      std::this_thread::yield();
    }
  }
}

void Team::run(const std::function<void(const Worker&)>& body) const noexcept {
  if (workers_ == 1) {
    body(Worker{0, 1, nullptr});
    return;
  }
  Barrier barrier(workers_);
  // OpenMP's own fork and join order memory too, but race detectors cannot see inside its runtime: these two say it
  // in a language they understand.
  std::atomic<int> entered{0}, left{0};
  entered.store(1, std::memory_order_release);
#pragma omp parallel num_threads(workers_)
  {
    (void)entered.load(std::memory_order_acquire);
    // A runtime under pressure may give fewer threads than asked for; each then plays several workers only where
    // that cannot deadlock, which a barrier between stages forbids, so all work falls to the threads there are.
    const int count = omp_get_num_threads();
    if (count == workers_) {
      body(Worker{omp_get_thread_num(), count, &barrier});
    } else {
#pragma omp single
      body(Worker{0, 1, nullptr});
    }
    left.fetch_add(1, std::memory_order_release);
  }
  (void)left.load(std::memory_order_acquire);
}

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
  if (std::sscanf(first_line("/sys/fs/cgroup/cpu.max").c_str(), "%ld %ld", &quota, &period) == 2 && period > 0) {
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

#endif

}  // namespace

int usable_cores() noexcept {
  try {
    int cores = 0;
#if defined(__linux__)
    cores = affinity_cores();
    if (const int quota = cgroup_cpus(); quota > 0) cores = std::min(cores, quota);
#endif
    if (cores <= 0) cores = int(std::thread::hardware_concurrency());
    return std::max(cores, 1);
  } catch (...) {
    return 1;
  }
}

}  // namespace longhand
