// Metadata of any GGUF file for showing: every type, whatever the key means.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

#include "loaders/gguf/gguf.h"

namespace longhand::cli {

/// The value of `entry`; arrays as {"type", "count", "first"} with at most `first` elements. Strings are
/// UTF-8 with invalid bytes escaped.
nlohmann::ordered_json meta_value(const MetaEntry& entry, std::size_t first);

/// One line of at most about `width` characters, control bytes escaped: "llama", "[1024 x i32] 0, 1, 2, ...".
std::string meta_text(const MetaEntry& entry, std::size_t width);

}  // namespace longhand::cli
