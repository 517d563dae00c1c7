// Token ids written by another program.
#pragma once

#include <string>
#include <vector>

#include "engine/types/token.h"

namespace longhand::cli {

/// The ids of a JSON file: [1, 2] or {"ids": [1, 2]}. Throws Error: io, type, range (what is no id at all;
/// the vocabulary is not asked).
std::vector<Token> read_token_ids(const std::string& path);

}  // namespace longhand::cli
