// What the system tells about the machine and this process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace longhand::cli {

std::string cpu_name();             ///< "" where unknown
double clock_mhz();                 ///< of the fastest core right now; 0 where unknown
std::size_t last_level_cache();     ///< bytes; 0 where unknown
std::uint64_t peak_memory();        ///< most bytes ever resident, or since the last reset; 0 where unknown
void reset_peak_memory() noexcept;  ///< without effect where the system cannot

}  // namespace longhand::cli
