// Folders as Hugging Face keeps models, opened as if they were GGUF files.
#pragma once

#include <string>

namespace longhand::cli {

/// Path of a GGUF file with the model of `folder`: made once, and again when a file of the folder has
/// changed, in the user's cache folder; says so on stderr. The file of an older state of the folder is
/// deleted. Throws Error as convert_model(), and missing where there is no home folder.
std::string converted_folder(const std::string& folder);

}  // namespace longhand::cli
