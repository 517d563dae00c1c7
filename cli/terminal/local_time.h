// The time on the wall.
#pragma once

#include <string>

namespace longhand::cli {

/// "2026-07-01T12:00:00", as ChatTemplateOptions::now takes it.
std::string local_time();

}  // namespace longhand::cli
