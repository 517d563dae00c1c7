// Regular expressions as GBNF, where automata would be large.
#pragma once

#include <optional>
#include <string>

#include "engine/sampling/grammar/gbnf_rules.h"
#include "engine/sampling/schema/pattern.h"

namespace longhand {

/// The inside of a JSON string in which `pattern` is found, with its repetitions as repetitions. Nothing if
/// its copies are few, or if it has anchors and look-ahead elsewhere than ^ in front and $ at the end.
std::optional<std::string> counted_pattern_to_gbnf(const Pattern& pattern, GbnfRules& rules);

}  // namespace longhand
