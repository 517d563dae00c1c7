// What the system tells in files of a few lines, such as those in /proc and /sys.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace longhand {

/// Empty where the file cannot be read.
std::string first_line(const std::string& path);

/// The number that the file begins with; 0 without one.
std::uint64_t number_in(const std::string& path);

/// The number after the word `name`; 0 without one.
std::uint64_t number_after(const std::string& path, std::string_view name);

}  // namespace longhand
