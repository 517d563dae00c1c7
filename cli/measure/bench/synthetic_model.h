// A model with random weights: the shape and the tensor types of a real one, so that it takes as long to
// compute, and finite numbers everywhere. What it writes is nonsense.
#pragma once

#include <functional>
#include <string>

#include "cli/measure/bench/shapes.h"
#include "cli/measure/bench/type_mix.h"
#include "cli/terminal/output.h"

namespace longhand::cli {

struct SyntheticModel {
  const ModelShape* shape;
  const TypeMix* mix;

  std::string name() const;  // "llama-1b:Q4_K_M"
};

/// "SHAPE:TYPE". Throws Error (range) listing what is known.
SyntheticModel parse_synthetic(const std::string& text);
/// Bytes of the file.
std::uint64_t synthetic_bytes(const SyntheticModel& model);
/// Writes the model as a GGUF file other engines can load too; always the same bytes. `progress` as in
/// LoadOptions. Throws Error: io, cancelled.
void write_synthetic(const SyntheticModel& model, OutputFile& out,
                     const std::function<bool(float)>& progress);

}  // namespace longhand::cli
