// Names that several forms of a report share.
#pragma once

#include <string>

#include "engine/longhand.h"

namespace longhand::cli {

/// "llama 1.24 B Q4_K", safe for a terminal.
std::string model_label(const ModelInfo& model);

}  // namespace longhand::cli
