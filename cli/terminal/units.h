// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace longhand::cli {

/// In powers of 1024: "6.84 MiB".
std::string format_bytes(std::uint64_t bytes);
/// "4.2GiB", "512 MB", "2G", "1000": with or without B, in powers of 1024 unless it says kB, MB, GB or TB.
/// Throws Error (range).
std::uint64_t parse_bytes(std::string_view text);
/// "6.71 M", "8.03 B": counts of parameters.
std::string format_count(std::uint64_t count);

/// As one says how long one has to wait: "8 s", "3 min 20 s", "2 h 5 min".
std::string format_duration(double seconds);

}  // namespace longhand::cli
