// JSON documents that come from outside: bounded, and without names that appear twice.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace longhand {

/// The document `text`; `name` stands in messages. Throws Error: corrupt (not JSON), limit (nested deeper
/// than 64), duplicate (an object that has a name twice).
nlohmann::json parse_json_text(std::string_view text, const std::string& name);

/// The document in the file `path`. Throws the same, and Error: io, limit (more than `most_bytes`).
nlohmann::json read_json_file(const std::string& path, std::size_t most_bytes);

}  // namespace longhand
