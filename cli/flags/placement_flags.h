// Where threads run: flags that name CPUs, memory nodes and priorities.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/longhand.h"
#include "ops/topology.h"

namespace longhand::cli {

/// What the flags ask for.
struct PlacementWishes {
  std::vector<int> cpus = {};  // of --cpu-mask and --cpu-range together; none: all
  bool one_each = false;       // --cpu-strict
  bool by_node = false;        // --numa distribute
  bool one_node = false;       // --numa isolate
};

/// Where the program and its workers run.
struct Placement {
  std::vector<int> program;  // the CPUs of all its threads; none: as it was started
  CpuSets workers;           // see SessionOptions::cpus
};

/// `now`: the CPU that asks. Throws Error(range): CPUs that the process may not use.
Placement place(const PlacementWishes& wishes, std::vector<Cpu> cpus, int now);

/// The CPUs of a hexadecimal mask such as "0xF0"; none where it is none.
std::vector<int> parse_cpu_mask(std::string_view text);

class PlacementFlags {
 public:
  void add_to(CLI::App& verb, CLI::App& group);
  /// Without wishes workers run where OMP_PLACES says.
  /// Moves the program to its CPUs when first called, which is before a model is loaded and before any other
  /// thread starts; and where its workers run, see SessionOptions::cpus. Throws Error(range).
  const CpuSets& settle();
  /// One line for each wish the system refused.
  const std::vector<std::string>& refused() const noexcept { return refused_; }

 private:
  void renice(int priority);
  CpuSets places_from_environment(const std::vector<Cpu>& cpus);

  PlacementWishes wishes_;
  std::optional<Placement> placed_;
  std::vector<std::string> refused_;
};

}  // namespace longhand::cli
