#include "ops/topology.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>

#include "ops/error.h"
#include "ops/host/pinning.h"
#include "ops/host/small_files.h"

namespace longhand {
namespace {

constexpr int kMostCpus = 1 << 16;

// How fast a core of few and narrow units is beside one of many, at the same clock.
constexpr double kSmallCore = 0.6;

bool has(const std::vector<int>& list, int id) { return std::ranges::find(list, id) != list.end(); }

std::map<int, int> nodes_of_cpus(const std::string& root) {
  std::map<int, int> nodes;
  for (const int node : parse_cpu_list(first_line(root + "/sys/devices/system/node/online"))) {
    const auto list = first_line(fmt::format("{}/sys/devices/system/node/node{}/cpulist", root, node));
    for (const int cpu : parse_cpu_list(list)) nodes[cpu] = node;
  }
  return nodes;
}

// In the unit of whichever file tells it, the same for all CPUs; 0 where none does.
double speed_of(const std::string& root, int id, const std::vector<int>& small) {
  const std::string cpu = fmt::format("{}/sys/devices/system/cpu/cpu{}/", root, id);
  if (const auto capacity = number_in(cpu + "cpu_capacity"); capacity > 0) return double(capacity);
  const double clock = double(number_in(cpu + "cpufreq/cpuinfo_max_freq"));
  return has(small, id) ? clock * kSmallCore : clock;
}

// CPUs differ a little in their clocks without being of another kind.
double rounded(double speed) { return speed > 0.85 ? 1 : speed; }

}  // namespace

std::vector<int> parse_cpu_list(std::string_view text) {
  std::vector<int> list;
  const char *at = text.data(), *const end = at + text.size();
  while (at < end) {
    int first = 0;
    auto [stop, error] = std::from_chars(at, end, first);
    int last = first;
    if (error == std::errc() && stop < end && *stop == '-') {
      const auto after = std::from_chars(stop + 1, end, last);
      stop = after.ptr, error = after.ec;
    }
    if (error != std::errc() || first < 0 || last < first || last >= kMostCpus) return {};
    for (int id = first; id <= last; ++id) list.push_back(id);
    if (stop < end && (*stop++ != ',' || stop == end)) return {};
    at = stop;
  }
  return list;
}

std::vector<Cpu> usable_cpus(const std::string& root, const std::vector<int>& allowed) {
  const std::map<int, int> nodes = nodes_of_cpus(root);
  const std::vector<int> small = parse_cpu_list(first_line(root + "/sys/devices/cpu_atom/cpus"));
  std::vector<Cpu> cpus;
  double fastest = 0;
  for (const int id : allowed.empty() ? own_cpus() : allowed) {
    const std::string topology = fmt::format("{}/sys/devices/system/cpu/cpu{}/topology/", root, id);
    const auto siblings = parse_cpu_list(first_line(topology + "thread_siblings_list"));
    const auto node = nodes.find(id);
    cpus.push_back({id, siblings.empty() ? id : siblings.front(), node == nodes.end() ? 0 : node->second,
                    speed_of(root, id, small)});
    fastest = std::max(fastest, cpus.back().speed);
  }
  for (Cpu& cpu : cpus) cpu.speed = cpu.speed > 0 ? rounded(cpu.speed / fastest) : 1;
  std::ranges::sort(cpus, {}, &Cpu::id);
  return cpus;
}

CpuSets parse_cpu_sets(std::string_view text, const std::vector<Cpu>& cpus) {
  CpuSets sets;
  while (!text.empty()) {
    const auto end = text.find('/');
    const std::string_view one = text.substr(0, end);
    sets.push_back(parse_cpu_list(one));
    if (sets.back().empty() || end + 1 == text.size())
      throw Error(Errc::range, fmt::format("cpus: '{}' is no list of CPUs such as 0-3,8",
                                           end + 1 == text.size() ? text : one));
    for (const int id : sets.back()) {
      if (std::ranges::find(cpus, id, &Cpu::id) != cpus.end()) continue;
      std::vector<int> usable;
      for (const Cpu& cpu : cpus) usable.push_back(cpu.id);
      throw Error(Errc::range, fmt::format("cpus: CPU {} is not one this process may use, which are {}", id,
                                           cpu_sets_text({usable})));
    }
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
  }
  return sets;
}

std::string cpu_sets_text(const CpuSets& sets) {
  std::vector<std::string> texts;
  for (const std::vector<int>& set : sets) {
    std::vector<std::string> runs;
    for (std::size_t i = 0, end = 0; i < set.size(); i = end) {
      for (end = i + 1; end < set.size() && set[end] == set[end - 1] + 1;) ++end;
      runs.push_back(end == i + 1 ? fmt::format("{}", set[i]) : fmt::format("{}-{}", set[i], set[end - 1]));
    }
    texts.push_back(fmt::format("{}", fmt::join(runs, ",")));
  }
  return fmt::format("{}", fmt::join(texts, "/"));
}

std::vector<double> worker_speeds(const CpuSets& sets, const std::vector<Cpu>& cpus, int workers) {
  std::vector<double> speeds(std::size_t(workers), 1.0);
  for (std::size_t i = 0; i < speeds.size() && !sets.empty(); ++i) {
    const std::vector<int>& set = sets[i % sets.size()];
    for (const Cpu& cpu : cpus) {
      if (has(set, cpu.id)) speeds[i] = std::min(speeds[i], cpu.speed);
    }
  }
  return speeds;
}

CpuSets one_each(std::vector<Cpu> cpus) {
  std::ranges::stable_sort(cpus, [](const Cpu& a, const Cpu& b) {
    const bool a_first = a.id == a.core, b_first = b.id == b.core;
    return a_first != b_first ? a_first : a.speed > b.speed;
  });
  CpuSets sets;
  for (const Cpu& cpu : cpus) sets.push_back({cpu.id});
  return sets;
}

CpuSets by_node(const std::vector<Cpu>& cpus) {
  std::map<int, std::vector<int>> nodes;
  for (const Cpu& cpu : cpus) nodes[cpu.node].push_back(cpu.id);
  CpuSets sets;
  for (auto& [node, ids] : nodes) sets.push_back(std::move(ids));
  return sets;
}

}  // namespace longhand
