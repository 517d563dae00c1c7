#include "cli/terminal/local_time.h"

#include <ctime>

namespace longhand::cli {
namespace {

using Time = std::chrono::system_clock::time_point;

std::string text_of(Time time, const char* format, std::tm* (*parts_of)(const std::time_t*, std::tm*)) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  parts_of(&seconds, &parts);
  char text[40];
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

}  // namespace

std::string local_time() { return local_time(std::chrono::system_clock::now(), "%Y-%m-%dT%H:%M:%S"); }
std::string local_time(Time time, const char* format) { return text_of(time, format, ::localtime_r); }
std::string utc_time(Time time) { return text_of(time, "%Y-%m-%dT%H:%M:%SZ", ::gmtime_r); }

}  // namespace longhand::cli
