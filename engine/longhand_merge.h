// Models with adapters merged into their weights. Part of the library longhand_make.
//
//   longhand::merge_lora("model.gguf", {{{"adapter.gguf", 0.5f}}}, "merged.gguf");
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "engine/types/progress.h"

namespace longhand {

/// An adapter's file, and what its matrices are multiplied with.
struct ScaledAdapter {
  std::string path;
  float scale = 1;
};

struct MergeOptions {
  std::string type = {};  ///< of the tensors that change: "F32", "Q8_0"; empty: each keeps its own
  int threads = 0;        ///< 0: OMP_NUM_THREADS, else as many as there are cores
  Progress progress = {};
};

struct MergeReport {
  std::size_t tensors = 0;  ///< that changed
};

/// Writes the model `in` to `out`, each tensor W for which adapters have pairs as W + sum of scale alpha /
/// rank B A, the others as they are; of a split model all parts into one file. Tensors of a quantized type
/// are quantized again. Neither file is ever in memory as a whole, and `out` is written whole or not at all.
/// Throws Error: as Adapter::load() of the adapters; unsupported (a type that cannot be written), shape (rows
/// that are no whole blocks of the type), range (a scale that is no number, `out` one of the files that are
/// read), io, cancelled; and what opening the model throws.
MergeReport merge_lora(const std::string& in, std::span<const ScaledAdapter> adapters, const std::string& out,
                       const MergeOptions& options = {});

}  // namespace longhand
