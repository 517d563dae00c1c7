// Pieces of GBNF as text, for programs that write grammars.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/sampling/grammar/grammar.h"
#include "engine/text/code_points.h"

namespace longhand {

/// `text` (UTF-8) as a GBNF literal with its quotes.
std::string gbnf_literal(std::string_view text);

/// One of `set`, as a GBNF class; the set must not be empty.
std::string gbnf_class(const CodePoints& set);

/// `element` (a name, class, literal or group) min to max times; max may be kNoLimit.
std::string gbnf_repeat(const std::string& element, std::uint32_t min, std::uint32_t max);

/// An element that no text matches.
inline constexpr std::string_view kNothing = R"([^\x00-\U0010FFFF])";

}  // namespace longhand
