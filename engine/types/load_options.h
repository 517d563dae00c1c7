// How a model is loaded.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/types/limits.h"
#include "engine/types/option.h"

namespace longhand {

struct LoadOptions {
  bool repack = true;    ///< interleave weights for the CPU at load; false, or too little memory for it:
                         ///< compute from the file's own rows
  int threads = 0;       ///< for loading; 0: as many as the machine gives this process
  std::string isa = {};  ///< "avx2", "sse2", ...; empty: LONGHAND_ISA, else the best this CPU runs
  std::function<bool(float)> progress = {};  ///< told the share done, 0..1; returning false cancels the load
  /// Told what is found and done while loading, a line at a time without its end.
  std::function<void(std::string_view line)> log = {};
  /// Values instead of the file's own, or of keys it lacks: "llama.context_length=int:8192". The types: int,
  /// float, bool (true or false) and str.
  std::vector<std::string> overrides = {};
  /// Names in messages what has no path, and the model where the file does not; empty: "memory", or the
  /// descriptor's number.
  std::string name = {};
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
