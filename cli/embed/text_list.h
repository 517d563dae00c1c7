// Lists of texts in files.
#pragma once

#include <string>
#include <vector>

namespace longhand::cli {

/// The texts of a file, or of stdin for "-": its lines, but for empty ones; with `jsonl` the member "text" of
/// the JSON object in each line. Throws Error: io, limit, type (naming the line).
std::vector<std::string> read_texts(const std::string& path, bool jsonl);

}  // namespace longhand::cli
