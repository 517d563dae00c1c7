// llama.cpp writes many flags with one dash and several letters (-ctk, -ngl). CLI11 reads those as clusters
// of one-letter flags, so they are rewritten to their long names before parsing.
#pragma once

#include <string>
#include <vector>

namespace longhand::cli {

/// `arguments` (without the program's name) with every flag of the table in its long form, and - for _ in
/// flags. What follows a flag that takes free text, and everything after "--", stays as it is. Throws
/// UsageError naming any other word of one dash and several letters.
std::vector<std::string> normalise_arguments(std::vector<std::string> arguments);

}  // namespace longhand::cli
