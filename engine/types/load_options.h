// How a model is loaded.
#pragma once

#include <functional>
#include <string>

#include "engine/types/limits.h"
#include "engine/types/option.h"

namespace longhand {

struct LoadOptions {
  bool repack = true;    ///< interleave weights for the CPU at load; false, or too little memory for it:
                         ///< compute from the file's own rows
  int threads = 0;       ///< for loading; 0: as many as the machine gives this process
  std::string isa = {};  ///< "avx2", "sse2", ...; empty: LONGHAND_ISA, else the best this CPU runs
  std::function<bool(float)> progress = {};  ///< told the share done, 0..1; returning false cancels the load
};

inline constexpr std::tuple kLoadOptions = {
    Option{"repack", &LoadOptions::repack, {}, "Interleave weights for the CPU: loads slower, runs faster"},
    Option{"threads", &LoadOptions::threads, {0, kMaxThreads}, "Threads; 0: as many as there are cores"},
    Option{"isa",
           &LoadOptions::isa,
           {},
           "Kernels to use, such as sse2, avx2 or avx512; default: the best this CPU runs"},
};

}  // namespace longhand
