// Pieces of GBNF as text, for programs that write grammars.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "engine/text/code_points.h"

namespace longhand {

/// `text` (UTF-8) as a GBNF literal with its quotes.
std::string gbnf_literal(std::string_view text);

/// One of `set`, as a GBNF class; the set must not be empty.
std::string gbnf_class(const CodePoints& set);

/// `element` (a name, class, literal or group) min to max times; no max: without end.
std::string gbnf_repeat(const std::string& element, std::uint32_t min, std::optional<std::uint32_t> max);

/// Decimal integers from min to max, without leading zeros; -0 is none. min <= max.
struct IntegerRange {
  std::optional<std::int64_t> min, max;
};
std::string gbnf_integer(const IntegerRange& range);

}  // namespace longhand
