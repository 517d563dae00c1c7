#include "cli/chat_settings.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <variant>

#include "ops/error.h"

namespace longhand::cli {
namespace {

using Field = std::variant<float SamplerOptions::*, int SamplerOptions::*, std::uint32_t SamplerOptions::*,
                           int ChatSettings::*>;

struct Row {
  std::string_view name;
  Field field;
};

constexpr Row kRows[] = {
    {"temp", &SamplerOptions::temperature},
    {"top_k", &SamplerOptions::top_k},
    {"top_p", &SamplerOptions::top_p},
    {"min_p", &SamplerOptions::min_p},
    {"typical_p", &SamplerOptions::typical_p},
    {"top_n_sigma", &SamplerOptions::top_n_sigma},
    {"xtc_probability", &SamplerOptions::xtc_probability},
    {"xtc_threshold", &SamplerOptions::xtc_threshold},
    {"repeat_penalty", &SamplerOptions::repeat_penalty},
    {"repeat_last_n", &SamplerOptions::penalty_last_n},
    {"presence_penalty", &SamplerOptions::presence_penalty},
    {"frequency_penalty", &SamplerOptions::frequency_penalty},
    {"dry_multiplier", &SamplerOptions::dry_multiplier},
    {"dry_base", &SamplerOptions::dry_base},
    {"dry_allowed_length", &SamplerOptions::dry_allowed_length},
    {"seed", &SamplerOptions::seed},
    {"max_tokens", &ChatSettings::max_tokens},
};

template <class Settings, class Value, class Class>
auto& field_of(Settings& settings, Value Class::*member) {
  if constexpr (std::is_same_v<Class, ChatSettings>) {
    return settings.*member;
  } else {
    return settings.sampler.*member;
  }
}

// from_chars knows neither signs for unsigned numbers nor spaces, which is how typing errors are noticed.
template <class Number>
Number parse(std::string_view name, const std::string& text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Error(Errc::range, fmt::format("{}: '{}' is no number of the kind it takes", name, text));
  }
  return value;
}

}  // namespace

std::vector<NamedValue> list_settings(const ChatSettings& settings) {
  std::vector<NamedValue> out;
  for (const Row& row : kRows) {
    out.push_back(
        {row.name,
         std::visit([&](auto member) { return fmt::format("{}", field_of(settings, member)); }, row.field)});
  }
  return out;
}

void change_setting(ChatSettings& settings, std::string_view name, const std::string& value) {
  std::string known;
  for (const Row& row : kRows) {
    known += fmt::format("{}{}", known.empty() ? "" : ", ", row.name);
    if (row.name != name) continue;
    std::visit(
        [&](auto member) {
          auto& field = field_of(settings, member);
          field = parse<std::remove_reference_t<decltype(field)>>(name, value);
        },
        row.field);
    return;
  }
  throw Error(Errc::range, fmt::format("'{}' is not one of {}", name, known));
}

}  // namespace longhand::cli
