// One tensor of a file as float32.
#pragma once

#include <string>

#include "loaders/gguf/gguf.h"

namespace longhand::cli {

/// Writes the values of tensor `name`, first dimension fastest, as raw little-endian float32 to `path` ("-":
/// stdout). Throws Error: missing (no such tensor), unsupported (its type has no values this program knows),
/// io.
void dump_tensor(const Gguf& file, const std::string& name, const std::string& path);

}  // namespace longhand::cli
