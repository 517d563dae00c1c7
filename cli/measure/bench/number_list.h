// Numbers as llama-bench takes them: one, or a range.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

namespace longhand::cli {

/// The numbers of "8", of "1-4", of "0-100+25" (in steps) or of "8-64*2" (each a multiple of the one before).
/// Throws Error (range) unless all are within least..most, and for a range of more than 1000 numbers.
std::vector<int> parse_numbers(std::string_view text, int least, int most);

/// "512,128". Throws Error (range) unless both are within 1..most.
std::pair<int, int> parse_pair(std::string_view text, int most);

}  // namespace longhand::cli
