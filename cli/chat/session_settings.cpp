#include "cli/chat/session_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <type_traits>

#include "cli/flags/option_flags.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

// What texts that are empty mean: what the file says; wherever the system puts the threads.
constexpr std::string_view kFromFile = "file", kAnywhere = "any";

// "--attention-window" is "attention_window".
std::string plain_name(std::string_view name) {
  while (name.starts_with('-')) name.remove_prefix(1);
  std::string out(name);
  std::ranges::replace(out, '-', '_');
  return out;
}

bool is_called(std::string_view option, const std::string& name) {
  if (name == option) return true;
  const OptionFlag* flag = find_flag(option);
  if (flag == nullptr) return false;
  std::string_view rest = flag->flags;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    if (plain_name(rest.substr(0, comma)) == name) return true;
    rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
  }
  return false;
}

[[noreturn]] void refuse(std::string_view name, const std::string& value, const std::string& rule) {
  throw Error(Errc::range, fmt::format("{}: '{}' must be {}", name, value, rule));
}

template <class Options, class Value>
void change(const Option<Options, Value>& row, Value& field, const std::string& text) {
  if constexpr (std::is_same_v<Value, std::string>) {
    field = text == kFromFile || text == kAnywhere ? "" : text;
  } else if constexpr (std::is_same_v<Value, bool>) {
    if (text != "on" && text != "off") refuse(row.name, text, "on or off");
    field = text == "on";
  } else if constexpr (std::is_enum_v<Value>) {
    const auto& names = names_of(Value());
    const auto named = std::ranges::find(names, text);
    if (named == names.end()) refuse(row.name, text, fmt::format("one of {}", fmt::join(names, ", ")));
    field = Value(named - names.begin());
  } else {
    Value parsed{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
    const bool number = error == std::errc() && end == text.data() + text.size();
    // The default may be said, whatever that means.
    if (!number || !check_number(row.range, double(parsed), double(Options().*row.member), text).empty())
      refuse(row.name, text, describe(row.range));
    field = parsed;
  }
}

template <class Value>
std::string text_of(const Value& value, std::string_view empty) {
  if constexpr (std::is_same_v<Value, bool>) return value ? "on" : "off";
  const std::string text = option_text(value);
  return text.empty() ? std::string(empty) : text;
}

}  // namespace

std::vector<NamedValue> list_session_settings(const SessionOptions& options) {
  std::vector<NamedValue> out;
  each_session_option(options, [&](const auto& row, const auto& value) {
    out.push_back({std::string(row.name), text_of(value, row.name == "cpus" ? kAnywhere : kFromFile)});
  });
  return out;
}

bool change_session_setting(SessionOptions& options, std::string_view typed, const std::string& value) {
  const std::string name = plain_name(typed);
  bool found = false;
  each_session_option(options, [&](const auto& row, auto& field) {
    if (found || !is_called(row.name, name)) return;
    found = true;
    change(row, field, value);
  });
  return found;
}

}  // namespace longhand::cli
