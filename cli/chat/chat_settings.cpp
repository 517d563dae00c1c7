#include "cli/chat/chat_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <variant>

#include "ops/error.h"

namespace longhand::cli {
namespace {

using Field = std::variant<float SamplerOptions::*, int SamplerOptions::*, int ChatSettings::*>;

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
void parse(Number& value, std::string_view name, const std::string& text) {
  Number parsed{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Error(Errc::range, fmt::format("{}: '{}' is no number of the kind it takes", name, text));
  }
  value = parsed;
}

// Values that are no numbers.
struct WordRow {
  std::string_view name;
  std::string (*read)(const ProgramSettings& settings);
  void (*change)(ProgramSettings& settings, const std::string& value);
};

constexpr std::string_view kEfforts[] = {"low", "medium", "high"};

std::string thinking_text(const ProgramSettings& settings) {
  if (!settings.effort.empty()) return settings.effort;
  return !settings.thinking ? "auto" : *settings.thinking ? "on" : "off";
}

std::string seed_text(const ProgramSettings& settings) {
  const std::uint32_t seed = settings.sampler.seed;
  return seed == SamplerOptions{}.seed ? "-1" : fmt::format("{}", seed);
}

void change_seed(ProgramSettings& settings, const std::string& value) {
  if (value == "-1") {
    settings.sampler.seed = SamplerOptions{}.seed;  // a fresh one
  } else {
    parse(settings.sampler.seed, "seed", value);
  }
}

void change_showing(ProgramSettings& settings, const std::string& value) {
  if (value != "show" && value != "hide")
    throw Error(Errc::range, fmt::format("reasoning: '{}' must be show or hide", value));
  settings.show_reasoning = value == "show";
}

constexpr WordRow kWordRows[] = {
    {"seed", seed_text, change_seed},
    {"think", thinking_text, change_thinking},
    {"reasoning", [](const ProgramSettings& s) -> std::string { return s.show_reasoning ? "show" : "hide"; },
     change_showing},
};

}  // namespace

std::vector<NamedValue> list_settings(const ProgramSettings& settings) {
  std::vector<NamedValue> out;
  for (const Row& row : kRows) {
    out.push_back(
        {row.name,
         std::visit([&](auto member) { return fmt::format("{}", field_of(settings, member)); }, row.field)});
  }
  for (const WordRow& row : kWordRows) out.push_back({row.name, row.read(settings)});
  return out;
}

void change_setting(ProgramSettings& settings, std::string_view name, const std::string& value) {
  for (const Row& row : kRows) {
    if (row.name != name) continue;
    std::visit([&](auto member) { parse(field_of(settings, member), name, value); }, row.field);
    return;
  }
  for (const WordRow& row : kWordRows) {
    if (row.name == name) return row.change(settings, value);
  }
  std::string known;
  for (const NamedValue& row : list_settings(settings))
    known += fmt::format("{}{}", known.empty() ? "" : ", ", row.name);
  throw Error(Errc::range, fmt::format("'{}' is not one of {}", name, known));
}

void change_thinking(ProgramSettings& settings, const std::string& value) {
  if (std::ranges::find(kEfforts, value) != std::end(kEfforts)) {
    settings.thinking = true;
    settings.effort = value;
    return;
  }
  if (value != "on" && value != "off" && value != "auto") {
    throw Error(Errc::range, fmt::format("think: '{}' must be on, off, auto, low, medium or high", value));
  }
  settings.thinking = value == "auto" ? std::nullopt : std::optional(value == "on");
  settings.effort.clear();
}

}  // namespace longhand::cli
