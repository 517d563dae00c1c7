// The time on the wall.
#pragma once

#include <chrono>
#include <string>

namespace longhand::cli {

/// "2026-07-01T12:00:00", as ChatTemplateOptions::now takes it.
std::string local_time();
/// "2026-07-01T12:00:00Z"
std::string utc_time(std::chrono::system_clock::time_point time);
/// As strftime() writes it here.
std::string local_time(std::chrono::system_clock::time_point time, const char* format);

}  // namespace longhand::cli
