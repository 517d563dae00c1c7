// The CPUs of the machine: their cores, the memory they are near to, and how fast they are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace longhand {

struct Cpu {
  int id;
  int core;      ///< the first CPU of its physical core
  int node;      ///< of memory
  double speed;  ///< of one of the fastest: 1
};

/// Those this process may use, by id. Where the system does not tell, each is a core of its own at node 0, as
/// fast as all others. `root` stands before /sys: "" but in tests, which name the CPUs the process may use.
std::vector<Cpu> usable_cpus(const std::string& root = "", const std::vector<int>& allowed = {});

/// The numbers of a list such as "0-3,8"; none where it is no list.
std::vector<int> parse_cpu_list(std::string_view text);

/// For each worker, in turns, the CPUs it runs on; none: wherever the system puts it.
using CpuSets = std::vector<std::vector<int>>;
/// "0-3" is one set for all workers, "0/1/2/3" one for each. Throws Error(range): no list of CPUs, or of one
/// that is not among `cpus`.
CpuSets parse_cpu_sets(std::string_view text, const std::vector<Cpu>& cpus);
std::string cpu_sets_text(const CpuSets& sets);

/// How fast the workers of such sets are: the slowest CPU each may run on.
std::vector<double> worker_speeds(const CpuSets& sets, const std::vector<Cpu>& cpus, int workers);

/// A set of one CPU for each of `cpus`: fast cores first, and the second CPU of a core after all others.
CpuSets one_each(std::vector<Cpu> cpus);
/// A set for each node of memory.
CpuSets by_node(const std::vector<Cpu>& cpus);

}  // namespace longhand
