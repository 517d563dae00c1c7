// Writes the tensors of a plan, row by row.
#pragma once

#include "engine/make/convert/tensor_plan.h"
#include "engine/make/gguf_output.h"
#include "engine/types/progress.h"
#include "loaders/safetensors/safetensors_folder.h"

namespace longhand {

struct WriteOptions {
  bool check = false;  // refuse what is not finite
  Progress progress;
};

/// Without the tensors that `out` has already. The rows of the plan cannot be read again. Throws Error: io,
/// nonfinite, cancelled.
void write_tensors(TensorPlan& plan, const SafetensorsFolder& folder, const WriteOptions& options,
                   GgufOutput& out);

}  // namespace longhand
