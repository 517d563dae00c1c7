// What this program is: version, build, and what it computes with.
#pragma once

#include <string>

namespace longhand::cli {

/// Lines for people; the first is the name and the version alone.
std::string version_text();

}  // namespace longhand::cli
