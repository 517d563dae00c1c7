// Sets of characters that regular expressions have names for.
#pragma once

#include <optional>
#include <string_view>

#include "engine/text/code_points.h"

namespace longhand {

/// Of \d \D \w \W \s \S, normalised; nothing for other letters.
std::optional<CodePoints> escape_set(char letter);
/// What . stands for: all but the ends of lines.
CodePoints dot_set();
/// Of \p{name}: a general category by its short or long name, also behind "gc=", and Any, ASCII, Alphabetic,
/// Uppercase, Lowercase, White_Space. Nothing for other names.
std::optional<CodePoints> property_set(std::string_view name);
/// `set` with the other case of each of its letters.
CodePoints case_folded(CodePoints set);

}  // namespace longhand
