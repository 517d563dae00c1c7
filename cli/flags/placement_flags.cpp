#include "cli/flags/placement_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "cli/terminal/user_dirs.h"
#include "ops/error.h"
#include "ops/host/omp_places.h"
#include "ops/host/pinning.h"

#if defined(__linux__)
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#endif

namespace longhand::cli {
namespace {

// Niceness by --prio + 1. Higher ones than the system grants an ordinary program need its permission.
constexpr int kNiceness[] = {10, 0, -5, -10, -20};

int current_cpu() noexcept {
#if defined(__linux__)
  return sched_getcpu();
#else
  return -1;
#endif
}

std::vector<Cpu> among(std::vector<Cpu> cpus, const CpuSets& sets) {
  std::erase_if(cpus, [&](const Cpu& cpu) {
    return std::ranges::none_of(sets, [&](const auto& set) { return std::ranges::count(set, cpu.id) > 0; });
  });
  return cpus;
}

// From now on memory comes from the nodes of these CPUs in turns. False where the system refuses.
bool interleave_memory(const std::vector<Cpu>& cpus) noexcept {
#if defined(__linux__) && defined(SYS_set_mempolicy)
  constexpr int kInterleave = 3, kBits = 8 * int(sizeof(unsigned long)), kMost = 1024;
  unsigned long nodes[kMost / kBits] = {};
  for (const Cpu& cpu : cpus) {
    if (cpu.node < kMost) nodes[cpu.node / kBits] |= 1UL << (cpu.node % kBits);
  }
  return syscall(SYS_set_mempolicy, kInterleave, nodes, kMost) == 0;
#else
  return cpus.empty();
#endif
}

}  // namespace

std::vector<int> parse_cpu_mask(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  std::vector<int> cpus;
  for (std::size_t i = 0; i < text.size(); ++i) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const auto value = kDigits.find(char(std::tolower(std::uint8_t(text[text.size() - 1 - i]))));
    if (value == std::string_view::npos) return {};
    for (std::size_t bit = 0; bit < 4; ++bit) {
      if (value >> bit & 1) cpus.push_back(int(4 * i + bit));
    }
  }
  return cpus;
}

Placement place(const PlacementWishes& wishes, std::vector<Cpu> cpus, int now) {
  Placement placement;
  const auto keep = [&](const auto& wanted) {
    std::erase_if(cpus, [&](const Cpu& cpu) { return !wanted(cpu); });
    placement.program.clear();
    for (const Cpu& cpu : cpus) placement.program.push_back(cpu.id);
  };
  if (!wishes.cpus.empty()) {
    parse_cpu_sets(cpu_sets_text({wishes.cpus}), cpus);  // all of them are usable
    keep([&](const Cpu& cpu) { return std::ranges::find(wishes.cpus, cpu.id) != wishes.cpus.end(); });
  }
  if (wishes.one_node && !cpus.empty()) {
    const auto here = std::ranges::find(cpus, now, &Cpu::id);
    const int node = here == cpus.end() ? cpus.front().node : here->node;
    keep([&](const Cpu& cpu) { return cpu.node == node; });
  }
  if (wishes.one_each) {
    placement.workers = one_each(cpus);
  } else if (wishes.by_node) {
    placement.workers = by_node(cpus);
  }
  return placement;
}

void PlacementFlags::add_to(CLI::App& verb, CLI::App& group) {
  // bench has them once; a second set of the same flags would be refused.
  if (verb.get_option_no_throw("--numa") != nullptr) return;
  const auto add = [this](const std::vector<int>& cpus, const char* flag, const std::string& text) {
    if (cpus.empty()) throw CLI::ValidationError(flag, fmt::format("'{}' names no CPUs", text));
    wishes_.cpus.insert(wishes_.cpus.end(), cpus.begin(), cpus.end());
    std::ranges::sort(wishes_.cpus);
    wishes_.cpus.erase(std::unique(wishes_.cpus.begin(), wishes_.cpus.end()), wishes_.cpus.end());
  };
  group
      .add_option_function<std::string>(
          "-C,--cpu-mask", [add](const std::string& text) { add(parse_cpu_mask(text), "--cpu-mask", text); },
          "CPUs the program runs on, as a hexadecimal mask")
      ->type_name("MASK");
  group
      .add_option_function<std::string>(
          "--cpu-range", [add](const std::string& text) { add(parse_cpu_list(text), "--cpu-range", text); },
          "CPUs the program runs on: 0-7 or 0-3,8 (-Cr); with --cpu-mask those of both")
      ->type_name("LO-HI");
  group
      .add_option_function<int>(
          "--cpu-strict", [this](const int& on) { wishes_.one_each = on != 0; },
          "1: each thread stays on a CPU of its own, fast cores first; slow ones get less work")
      ->check(CLI::Range(0, 1))
      ->type_name("0|1");
  group
      .add_option_function<std::string>(
          "--numa",
          [this](const std::string& way) {
            wishes_.by_node = way == "distribute";
            wishes_.one_node = way == "isolate";
          },
          "On machines with several memory nodes: spread over all of them, stay on the one the program "
          "starts on, or take what numactl gives")
      ->check(CLI::IsMember({"distribute", "isolate", "numactl"}))
      ->type_name("distribute|isolate|numactl");
  group
      .add_option_function<int>(
          "--prio", [this](const int& priority) { renice(priority); },
          "Priority: -1 low, 0 normal, 1 medium, 2 high, 3 highest")
      ->check(CLI::Range(-1, 3))
      ->type_name("N");
}

void PlacementFlags::renice(int priority) {
  if (priority == 0) return;
#if defined(__linux__)
  if (setpriority(PRIO_PROCESS, 0, kNiceness[priority + 1]) == 0) return;
  refused_.push_back(fmt::format("--prio {} is refused by the system ({})", priority, std::strerror(errno)));
#endif
}

// A value that cannot be understood is one that is not given, which is said.
CpuSets PlacementFlags::places_from_environment(const std::vector<Cpu>& cpus) {
  const std::string places = environment("OMP_PLACES"), bind = environment("OMP_PROC_BIND");
  if (places.empty() || bind == "false" || bind == "FALSE") return {};
  try {
    return parse_omp_places(places, cpus);
  } catch (const Error& error) {
    const std::string_view message = error.what();  // ends in the code in brackets
    refused_.emplace_back(message.substr(0, message.rfind(" [")));
    return {};
  }
}

const CpuSets& PlacementFlags::settle() {
  if (placed_) return placed_->workers;
  const std::vector<Cpu> cpus = usable_cpus();
  placed_ = place(wishes_, cpus, current_cpu());
  const bool wished = !wishes_.cpus.empty() || wishes_.one_each || wishes_.by_node || wishes_.one_node;
  if (!wished) placed_->workers = places_from_environment(cpus);
  if (!placed_->program.empty() && !pin_thread(placed_->program))
    refused_.emplace_back("the system refuses to move the program to other CPUs");
  if (wishes_.by_node && placed_->workers.size() > 1 && !interleave_memory(among(cpus, placed_->workers)))
    refused_.emplace_back("--numa distribute: the system refuses to spread memory over its nodes");
  return placed_->workers;
}

}  // namespace longhand::cli
