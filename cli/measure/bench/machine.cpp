#include "cli/measure/bench/machine.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string_view>

namespace longhand::cli {
namespace {

// Calls use(value) for every line "field : value" of a file of the system.
template <class Use>
void for_each_value(const char* path, std::string_view field, const Use& use) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(':');
    if (!line.starts_with(field) || colon == std::string::npos) continue;
    const auto value = line.find_first_not_of(" \t", colon + 1);
    if (value != std::string::npos) use(line.substr(value));
  }
}

}  // namespace

std::string cpu_name() {
  std::string name;
  for_each_value("/proc/cpuinfo", "model name", [&](const std::string& value) { name = value; });
  return name;
}

double clock_mhz() {
  double fastest = 0;
  for_each_value("/proc/cpuinfo", "cpu MHz", [&](const std::string& value) {
    fastest = std::max(fastest, std::strtod(value.c_str(), nullptr));
  });
  if (fastest > 0) return fastest;
  std::ifstream file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq");
  double khz = 0;
  return file >> khz ? khz / 1000 : 0;
}

std::size_t last_level_cache() {
#ifdef _SC_LEVEL3_CACHE_SIZE
  return std::size_t(std::max(0L, ::sysconf(_SC_LEVEL3_CACHE_SIZE)));
#else
  return 0;
#endif
}

std::uint64_t peak_memory() {
  std::uint64_t kib = 0;
  for_each_value("/proc/self/status", "VmHWM",
                 [&](const std::string& value) { kib = std::strtoull(value.c_str(), nullptr, 10); });
  return kib << 10;
}

void reset_peak_memory() noexcept {
  try {
    std::ofstream("/proc/self/clear_refs") << "5";
  } catch (...) {}
}

}  // namespace longhand::cli
