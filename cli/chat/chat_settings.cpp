#include "cli/chat/chat_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <type_traits>

#include "cli/flags/sampling_flags.h"
#include "cli/terminal/escapes.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

constexpr std::string_view kEfforts[] = {"low", "medium", "high"};
constexpr std::string_view kNothing = "none";  // of lists and texts

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

bool parse_switch(std::string_view name, const std::string& text, const char* yes = "on",
                  const char* no = "off") {
  if (text == yes) return true;
  if (text == no) return false;
  throw Error(Errc::range, fmt::format("{}: '{}' must be {} or {}", name, text, yes, no));
}

std::string text_of(const std::string& text) { return text.empty() ? std::string(kNothing) : text; }
std::string text_of(bool on) { return on ? "on" : "off"; }
template <class Number>
std::string text_of(Number value) requires std::is_arithmetic_v<Number> {
  return fmt::format("{}", value);
}

void change(std::string& value, std::string_view, const std::string& text) {
  value = text == kNothing ? "" : text;
}
void change(bool& value, std::string_view name, const std::string& text) { value = parse_switch(name, text); }
template <class Number>
void change(Number& value, std::string_view name,
            const std::string& text) requires std::is_arithmetic_v<Number> {
  parse(value, name, text);
}

// What people call options of the sampler, where it is not their name.
constexpr std::pair<std::string_view, std::string_view> kShorter[] = {{"temperature", "temp"},
                                                                      {"penalty_last_n", "repeat_last_n"}};
std::string_view short_name(std::string_view option) {
  option.remove_prefix(std::string_view("sampler.").size());
  const auto* const found = std::ranges::find(kShorter, option, [](const auto& row) { return row.first; });
  return found == std::end(kShorter) ? option : found->second;
}

// Calls visit(name, value) for the sampler's options that stand in its table, but for the seed.
template <class Settings, class Visit>
void each_sampler_value(Settings& settings, const Visit& visit) {
  each_option(kSamplerOptions, settings.sampler, [&](const auto& row, auto& value) {
    if (row.name != "sampler.seed") visit(short_name(row.name), value);
  });
}

// Values that are no numbers, or have words of their own.
struct WordRow {
  std::string_view name;
  std::string (*read)(const ProgramSettings& settings);
  void (*change)(ProgramSettings& settings, const std::string& value);
};

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

// Texts in a list, as JSON.
std::string list_text(const std::vector<std::string>& texts) {
  if (texts.empty()) return std::string(kNothing);
  return nlohmann::json(texts).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// One text, or a JSON array of some.
std::vector<std::string> parse_list(std::string_view name, const std::string& value) {
  if (value == kNothing) return {};
  if (!value.starts_with('[')) return {unescape(value)};
  const auto json = nlohmann::json::parse(value, nullptr, false);
  const bool texts =
      json.is_array() && std::ranges::all_of(json, [](const auto& one) { return one.is_string(); });
  if (!texts)
    throw Error(Errc::range, fmt::format("{}: {} must be a text or a JSON array of texts", name, value));
  return json.get<std::vector<std::string>>();
}

// The letters of --sampling-seq, in the order of SamplerStage.
std::string stages_text(const ProgramSettings& settings) {
  constexpr std::string_view kLetters = "edskypmxt";
  std::string out;
  for (const SamplerStage stage : settings.sampler.stages) out += kLetters[std::size_t(stage)];
  return text_of(out);
}

std::string biases_text(const ProgramSettings& settings) {
  std::string out;
  for (const auto& [token, bias] : settings.sampler.logit_bias)
    out += fmt::format("{}{}{:+}", out.empty() ? "" : " ", token, bias);
  return text_of(out);
}

void change_biases(ProgramSettings& settings, const std::string& value) {
  std::vector<std::pair<Token, float>> biases;
  std::istringstream words(value == kNothing ? "" : value);
  for (std::string word; words >> word;) biases.push_back(parse_logit_bias(word));
  settings.sampler.logit_bias = std::move(biases);
}

constexpr WordRow kWordRows[] = {
    {"seed", seed_text, change_seed},
    {"samplers", stages_text,
     [](ProgramSettings& s, const std::string& value) {
       s.sampler.stages = parse_sampler_stages(value == kNothing ? "" : value);
     }},
    {"dry_breakers", [](const ProgramSettings& s) { return list_text(s.sampler.dry_breakers); },
     [](ProgramSettings& s, const std::string& value) {
       s.sampler.dry_breakers = parse_list("dry_breakers", value);
     }},
    {"logit_bias", biases_text, change_biases},
    {"stop", [](const ProgramSettings& s) { return list_text(s.stop); },
     [](ProgramSettings& s, const std::string& value) { s.stop = parse_list("stop", value); }},
    {"max_tokens", [](const ProgramSettings& s) { return text_of(s.max_tokens); },
     [](ProgramSettings& s, const std::string& value) { parse(s.max_tokens, "max_tokens", value); }},
    {"context_shift", [](const ProgramSettings& s) { return text_of(s.context_shift); },
     [](ProgramSettings& s, const std::string& value) { change(s.context_shift, "context_shift", value); }},
    {"keep", [](const ProgramSettings& s) { return text_of(s.keep); },
     [](ProgramSettings& s, const std::string& value) { parse(s.keep, "keep", value); }},
    {"think", thinking_text, change_thinking},
    {"reasoning", [](const ProgramSettings& s) -> std::string { return s.show_reasoning ? "show" : "hide"; },
     [](ProgramSettings& s, const std::string& value) {
       s.show_reasoning = parse_switch("reasoning", value, "show", "hide");
     }},
    {"reasoning_budget", [](const ProgramSettings& s) { return text_of(s.reasoning_budget); },
     [](ProgramSettings& s, const std::string& value) {
       parse(s.reasoning_budget, "reasoning_budget", value);
     }},
    {"reasoning_format",
     [](const ProgramSettings& s) -> std::string { return s.reasoning_apart ? "auto" : "none"; },
     [](ProgramSettings& s, const std::string& value) {
       s.reasoning_apart = parse_switch("reasoning_format", value, "auto", "none");
     }},
    {"template_variables", [](const ProgramSettings& s) { return text_of(s.variables); },
     [](ProgramSettings& s, const std::string& value) { change(s.variables, "template_variables", value); }},
    {"plain", [](const ProgramSettings& s) { return text_of(s.plain); },
     [](ProgramSettings& s, const std::string& value) { change(s.plain, "plain", value); }},
};

// "--top-k" and "top-k" are "top_k"; some flags have shorter names.
std::string setting_name(std::string_view typed) {
  while (typed.starts_with('-')) typed.remove_prefix(1);
  std::string name(typed);
  std::ranges::replace(name, '-', '_');
  constexpr std::pair<std::string_view, std::string_view> kOthers[] = {
      {"temperature", "temp"},
      {"n", "max_tokens"},
      {"n_predict", "max_tokens"},
      {"predict", "max_tokens"},
      {"typical", "typical_p"},
      {"top_nsigma", "top_n_sigma"},
      {"mirostat_lr", "mirostat_eta"},
      {"mirostat_ent", "mirostat_tau"},
      {"dynatemp_exp", "dynatemp_exponent"},
      {"reverse_prompt", "stop"},
      {"chat_template_kwargs", "template_variables"}};
  const auto* const other =
      std::ranges::find(kOthers, name, [](const auto& row) { return std::string(row.first); });
  return other == std::end(kOthers) ? name : std::string(other->second);
}

}  // namespace

std::vector<NamedValue> list_settings(const ProgramSettings& settings) {
  std::vector<NamedValue> out;
  each_sampler_value(settings, [&](std::string_view name, const auto& value) {
    out.push_back({std::string(name), text_of(value)});
  });
  for (const WordRow& row : kWordRows) out.push_back({std::string(row.name), row.read(settings)});
  return out;
}

void change_setting(ProgramSettings& settings, std::string_view typed, const std::string& value) {
  const std::string name = setting_name(typed);
  bool found = false;
  each_sampler_value(settings, [&](std::string_view row, auto& field) {
    if (row != name) return;
    found = true;
    change(field, name, value);
  });
  if (found) return;
  for (const WordRow& row : kWordRows) {
    if (row.name == name) return row.change(settings, value);
  }
  std::string known;
  for (const NamedValue& row : list_settings(settings))
    known += fmt::format("{}{}", known.empty() ? "" : ", ", row.name);
  throw Error(Errc::range, fmt::format("'{}' is not one of {}", typed, known));
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
