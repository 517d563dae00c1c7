// Models by the names people call them.
#pragma once

#include <string>

#include "cli/models/model_places.h"

namespace longhand::cli {

/// Path of the file to open for `name`: a file; a folder as Hugging Face keeps models, which is converted
/// where it is opened first; a source to download from ("hf:OWNER/REPO:QUANT", see source.h), which is done
/// where it is not here yet; or a model that `longhand models` lists, called as there, or without
/// ":latest", folder or ".gguf", or as OWNER/REPO[:QUANT], or by a part of its name that no other has. Else
/// `name` itself. Throws Error: range (a name that fits several models), and as obtain_source() and
/// converted_folder().
std::string model_path(const std::string& name);

/// Whether that is a way to say the whole name of a model: as in the list, or without folder, ".gguf" or
/// ":latest".
bool is_called(const FoundModel& model, const std::string& name);

}  // namespace longhand::cli
