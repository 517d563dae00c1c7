// A line on standard error for each request. What was asked and answered is not in it.
#pragma once

#include <chrono>
#include <string>

#include "cli/serve/call.h"

namespace longhand::cli {

enum class LogFormat { none, text, json };

struct LoggedRequest {
  std::string method, path, client;
  int status = 0;
  double seconds = 0;
};

/// One line, with its end.
std::string log_line(LogFormat format, const LoggedRequest& request, const RequestNote& note,
                     std::chrono::system_clock::time_point now);

}  // namespace longhand::cli
