#include "ops/kernel_table.h"

#include <cstdlib>
#include <string>
#include <vector>

#include "ops/error.h"

namespace longhand {

// Of these LONGHAND_KERNELS names the ones that are built, the best first (CMakeLists.txt).
extern const Kernels kernels_sse2, kernels_avx2, kernels_avxvnni, kernels_avx512, kernels_avx512bf16;
extern const Kernels kernels_neon, kernels_neondot;

std::span<const Kernels* const> available_kernels() {
  static const std::vector<const Kernels*> tables = [] {
    std::vector<const Kernels*> found;
    for (const Kernels* k : {LONGHAND_KERNELS}) {
      if (isa_runs_here(k->isa)) found.push_back(k);
    }
    return found;
  }();
  return tables;
}

const Kernels& choose_kernels(std::string_view name) {
  std::string_view source = "isa";
  if (name.empty()) {
    if (const char* wanted = std::getenv("LONGHAND_ISA"); wanted != nullptr && *wanted != '\0') {
      name = wanted;
      source = "LONGHAND_ISA";
    }
  }
  if (name.empty()) return *available_kernels().front();
  std::string known;
  for (const Kernels* k : available_kernels()) {
    if (name == k->name) return *k;
    known += (known.empty() ? "" : ", ") + std::string(k->name);
  }
  throw Error(Errc::unsupported, std::string(source) + " is '" + std::string(name) +
                                     "', must be one of those this CPU runs: " + known);
}

}  // namespace longhand
