// What somebody who mistyped a word may have meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace longhand::cli {

/// The word of `known` that takes the fewest changes to become; "" where that is another word than `typed`.
std::string nearest_word(std::string_view typed, const std::vector<std::string>& known);

}  // namespace longhand::cli
