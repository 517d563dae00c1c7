// Backslash escapes on the command line.
#pragma once

#include <string>
#include <string_view>

namespace longhand::cli {

/// \n, \r, \t, and a backslash before itself or a quote, as what they mean; what is none of them stays as
/// written.
std::string unescape(std::string_view text);

}  // namespace longhand::cli
