// The rows of the option tables: each option of the library stands once, with its name, its place in the
// struct, what it may be, and what it does. The library checks values by these rows, names options by them in
// messages, and writes them into saved states; a program can hang its flags or its settings page on them.
#pragma once

#include <cstddef>
#include <string_view>
#include <tuple>

namespace longhand {

/// What a number may be. For an enumeration: the numbers of its enumerators.
struct OptionRange {
  double least = 0, most = 0;
  bool above_least = false;  ///< `least` itself is not allowed
  bool or_negative = false;  ///< any negative number means that the option is not given

  /// False for NaN.
  constexpr bool holds(double value) const noexcept {
    if (or_negative && value < 0) return true;
    return (above_least ? value > least : value >= least) && value <= most;
  }
};

/// One option. Its default is what the struct's own initializer says.
template <class Options, class Value>
struct Option {
  std::string_view name;  ///< "attention.window": the way to the member from the outermost struct
  Value Options::*member;
  OptionRange range;      ///< of numbers and enumerations; without meaning for texts and bool
  std::string_view help;  ///< one line
  bool in_state = true;   ///< a saved state can only be restored under the same value

  constexpr Option(std::string_view n, Value Options::*m, OptionRange r, std::string_view h,
                   bool state = true)
      : name(n), member(m), range(r), help(h), in_state(state) {}
};

/// Calls visit(row, value) for each row of a table and the value that `options` has for it.
template <class Table, class Options, class Visit>
constexpr void each_option(const Table& table, Options&& options, const Visit& visit) {
  std::apply([&](const auto&... rows) { (visit(rows, options.*rows.member), ...); }, table);
}

/// The row of a member, or null.
template <class Table, class Options, class Value>
constexpr const Option<Options, Value>* look_up_option(const Table& table, Value Options::*member) {
  const Option<Options, Value>* found = nullptr;
  const auto look = [&](const auto& row) {
    if constexpr (requires { row.member == member; }) {
      if (row.member == member) found = &row;
    }
  };
  std::apply([&](const auto&... rows) { (look(rows), ...); }, table);
  return found;
}

/// The row of a member that has one.
template <class Table, class Options, class Value>
constexpr const Option<Options, Value>& find_option(const Table& table, Value Options::*member) {
  return *look_up_option(table, member);
}

}  // namespace longhand
