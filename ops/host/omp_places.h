// Where OpenMP's variable OMP_PLACES wants threads to run.
#pragma once

#include <string_view>
#include <vector>

#include "ops/topology.h"

namespace longhand {

/// "threads", "cores" or "sockets", perhaps with the number of them, "cores(4)"; or lists of CPUs such as
/// "{0,1},{2,3}", "{0:2},{2:2}" and "{0:2}:2:2" (FIRST:COUNT:STEP). A socket is the CPUs that are near to one
/// memory. CPUs that are not among `cpus` are left out. Throws Error (range) for another text, and where no
/// place is left.
CpuSets parse_omp_places(std::string_view text, const std::vector<Cpu>& cpus);

}  // namespace longhand
