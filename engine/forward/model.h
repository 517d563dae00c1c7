// A loaded model: everything sessions share, constant after loading.
#pragma once

#include "engine/text/tokenizer.h"
#include "engine/types/load_options.h"
#include "engine/types/model_info.h"
#include "loaders/gguf/gguf.h"
#include "loaders/model/config.h"
#include "loaders/model/weights.h"
#include "ops/kernels.h"

namespace longhand {

/// What is computed with.
struct ModelCore {
  ModelConfig config;
  Weights weights;
  const Kernels* kernels;
};

struct ModelData : ModelCore {
  Gguf file;  // keeps the mapping that views point into
  Tokenizer tokenizer;
  ModelInfo info;
};

/// Throws Error.
ModelData load_model(Gguf file, const LoadOptions& options);

}  // namespace longhand
