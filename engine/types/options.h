// Checks and texts of options, by the rows of their tables.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <type_traits>

#include "engine/types/option.h"

namespace longhand {

/// "1..8192", "above 0, at most 1000000".
std::string describe(const OptionRange& range);

/// Throws Error(range): "batch is 0, must be 1..8192".
[[noreturn]] void refuse_option(std::string_view name, std::string_view value, const OptionRange& range);

/// A value as messages and saved states write it. An enumerator has a name, unless it is a number that is
/// none.
template <class Value>
std::string option_text(const Value& value) {
  if constexpr (std::is_enum_v<Value>) {
    const auto number = std::size_t(value);
    return number < names_of(value).size() ? std::string(names_of(value)[number]) : fmt::format("{}", number);
  } else {
    return fmt::format("{}", value);
  }
}

/// Throws Error(range) where the row does not allow `value`.
template <class Options, class Value>
void check_option(const Option<Options, Value>& row, const Value& value) {
  if constexpr (std::is_enum_v<Value> || (std::is_arithmetic_v<Value> && !std::is_same_v<Value, bool>)) {
    if (!row.range.holds(double(value))) refuse_option(row.name, option_text(value), row.range);
  }
}

/// The same for each row of a table.
template <class Table, class Options>
void check_options(const Table& table, const Options& options) {
  each_option(table, options, [](const auto& row, const auto& value) { check_option(row, value); });
}

}  // namespace longhand
