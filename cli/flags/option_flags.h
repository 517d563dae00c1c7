// How the library's options are written on the command line: one table from their names to flags. What an
// option does and what it may be, flags take from the library's own tables.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "engine/types/options.h"

namespace longhand::cli {

struct OptionFlag {
  std::string_view option;  // "attention.window"
  const char* flags;        // "-c,--ctx-size"; what messages call it is the first that begins with two dashes
  const char* value = "";   // "N": what stands for its value in the help; empty: the type's name
  const char* note = "";    // what the help says beyond the option's own line
  bool plain = true;        // the value is written just as the library takes it
};

std::span<const OptionFlag> option_flags() noexcept;
/// Null where an option has no flag.
const OptionFlag* find_flag(std::string_view option) noexcept;

/// What messages call it: "--ctx-size".
std::string flag_word(const OptionFlag& flag);

/// `message` of the library with each option it names called by its flag too:
/// "--attention-window (attention.window) is 0, must be 1..1073741824".
std::string with_flags(std::string_view message);

/// What is wrong with a number for an option, or nothing. Its default may be said, whatever that means.
std::string check_number(const OptionRange& range, double value, double otherwise, std::string_view text);
/// The same as the help writes it: ">= 1", "0..256"; empty where nearly everything is allowed.
std::string describe_shortly(const OptionRange& range);

/// The line that explains a flag.
template <class Options, class Value>
std::string help_of(const Option<Options, Value>& row) {
  return std::string(row.help) + find_flag(row.name)->note;
}

/// Refuses what the row does not allow.
template <class Options, class Value>
CLI::Validator validator_of(const Option<Options, Value>& row) {
  const auto check = [range = row.range, otherwise = double(Options().*row.member)](std::string& text) {
    Value value{};
    if (!CLI::detail::lexical_cast(text, value)) return fmt::format("'{}' is no number of that kind", text);
    return check_number(range, double(value), otherwise, text);
  };
  return {check, describe_shortly(row.range)};
}

/// Adds the flag of an option that is a choice by name.
template <class Options, class Value>
CLI::Option* add_choice(CLI::App& group, const Option<Options, Value>& row, Value& value) {
  const auto& names = names_of(Value());
  const auto choose = [&value, &names](const std::string& name) {
    value = Value(std::ranges::find(names, name) - names.begin());
  };
  return group.add_option_function<std::string>(find_flag(row.name)->flags, choose, help_of(row))
      ->check(CLI::IsMember(std::vector<std::string>(names.begin(), names.end())));
}

/// Adds an option's flag, which sets `value`. Null where it has none, or one that is not plain, or `verb` has
/// it already.
template <class Options, class Value>
CLI::Option* add_option_flag(CLI::App& verb, CLI::App& group, const Option<Options, Value>& row,
                             Value& value) {
  const OptionFlag* flag = find_flag(row.name);
  if (flag == nullptr || !flag->plain || verb.get_option_no_throw(flag_word(*flag)) != nullptr)
    return nullptr;
  CLI::Option* option = nullptr;
  if constexpr (std::is_same_v<Value, bool>) {
    return group.add_flag(flag->flags, value, help_of(row));
  } else if constexpr (std::is_enum_v<Value>) {
    option = add_choice(group, row, value);
  } else {
    option = group.add_option(flag->flags, value, help_of(row));
    if constexpr (std::is_arithmetic_v<Value>) option->check(validator_of(row));
  }
  if (*flag->value != '\0') option->type_name(flag->value);
  return option;
}

}  // namespace longhand::cli
