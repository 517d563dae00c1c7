// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace longhand::cli {

/// In powers of 1024: "6.84 MiB".
std::string format_bytes(std::uint64_t bytes);
/// "6.71 M", "8.03 B": counts of parameters.
std::string format_count(std::uint64_t count);

}  // namespace longhand::cli
