#include "cli/flags/usage.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <iterator>

#include "cli/flags/nearest.h"
#include "cli/terminal/user_dirs.h"

namespace longhand::cli {
namespace {

// Where the variable is not made of a flag's name.
constexpr std::pair<const char*, const char*> kVariables[] = {
    {"batch-size", "LLAMA_ARG_BATCH"},
    {"rope-scaling", "LLAMA_ARG_ROPE_SCALING_TYPE"},
    {"chat-template-kwargs", "LLAMA_CHAT_TEMPLATE_KWARGS"},
    {"reasoning-format", "LLAMA_ARG_THINK"},
    {"reasoning-budget", "LLAMA_ARG_THINK_BUDGET"}};

std::string variable_of(const std::string& flag) {
  const auto own =
      std::ranges::find(kVariables, flag, [](const auto& row) { return std::string(row.first); });
  if (own != std::end(kVariables)) return own->second;
  std::string name = "LLAMA_ARG_" + flag;
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c == '-' ? '_' : char(std::toupper(std::uint8_t(c))); });
  return name;
}

// Of a verb and its groups of flags.
template <class Visit>
void each_flag(const CLI::App& verb, const Visit& visit) {
  for (const CLI::Option* option : verb.get_options()) visit(*option);
  for (const CLI::App* group :
       verb.get_subcommands([](const CLI::App* sub) { return sub->get_name().empty(); }))
    each_flag(*group, visit);
}

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

bool is_given(const CLI::Option& option, const std::vector<std::string>& arguments) {
  const std::vector<std::string> names = names_of(option);
  return std::ranges::any_of(arguments, [&](const std::string& argument) {
    return std::ranges::any_of(
        names, [&](const std::string& name) { return argument == name || argument.starts_with(name + "="); });
  });
}

// The flag with its value from the environment; "" where there is none.
std::string flag_from_environment(const CLI::Option& option) {
  for (const std::string& flag : option.get_lnames()) {
    const std::string value = environment(variable_of(flag).c_str());
    if (value.empty()) continue;
    if (option.get_items_expected_max() > 0) return fmt::format("--{}={}", flag, value);
    const bool on = value == "1" || value == "on" || value == "true" || value == "enabled";
    return on ? "--" + flag : "";
  }
  if (option.check_lname("threads")) {
    // "4,2" of a program with nested loops: the outer ones.
    const std::string all = environment("OMP_NUM_THREADS"), outer = all.substr(0, all.find(','));
    const bool number = outer.find_first_not_of("0123456789") == std::string::npos;
    if (!outer.empty() && number) return "--threads=" + outer;
  }
  return "";
}

bool takes_value(const CLI::App& verb, const std::string& flag) {
  bool found = false;
  each_flag(verb, [&](const CLI::Option& option) {
    const std::vector<std::string> names = names_of(option);
    found |= option.get_items_expected_max() > 0 && std::ranges::find(names, flag) != names.end();
  });
  return found;
}

// Whether the model is named, by its flag or by its place.
bool names_model(const CLI::App& verb, const CLI::Option& model, const std::vector<std::string>& arguments) {
  if (is_given(model, arguments)) return true;
  if (!model.get_positional()) return false;
  bool value = false;  // the argument is that of a flag
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument.size() < 2 || argument.front() != '-') {
      if (!value) return true;
      value = false;
    } else {
      value = takes_value(verb, argument);
    }
  }
  return false;
}

// The model that llama.cpp's variables name at Hugging Face; "" where none is, or the verb takes no single
// one.
std::string model_from_environment(const CLI::App& verb, const std::vector<std::string>& arguments) {
  const CLI::Option* model = verb.get_option_no_throw("--model");
  const std::string repository = environment("LLAMA_ARG_HF_REPO"), file = environment("LLAMA_ARG_HF_FILE");
  const bool takes_one =
      model != nullptr && model->get_multi_option_policy() == CLI::MultiOptionPolicy::TakeLast;
  if (repository.empty() || !takes_one || names_model(verb, *model, arguments)) return "";
  if (file.empty()) return "--model=hf:" + repository;
  return fmt::format("--model=hf:{}/{}", repository.substr(0, repository.find(':')), file);
}

std::vector<const CLI::App*> named_verbs(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* sub) { return !sub->get_name().empty(); });
}

}  // namespace

std::vector<std::string> with_environment(const CLI::App& app, std::vector<std::string> arguments) {
  const auto verbs = named_verbs(app);
  const auto verb = std::ranges::find_if(
      verbs, [&](const CLI::App* one) { return !arguments.empty() && one->get_name() == arguments.front(); });
  if (verb == verbs.end()) return arguments;
  std::vector<std::string> flags;
  if (std::string model = model_from_environment(**verb, arguments); !model.empty())
    flags.push_back(std::move(model));
  each_flag(**verb, [&](const CLI::Option& option) {
    const bool one_value = option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeLast;
    if (!one_value || option.get_group().empty() || is_given(option, arguments)) return;
    if (option.check_lname("model") && names_model(**verb, option, arguments)) return;
    if (std::string flag = flag_from_environment(option); !flag.empty()) flags.push_back(std::move(flag));
  });
  arguments.insert(arguments.begin() + 1, flags.begin(), flags.end());
  return arguments;
}

std::string unknown_verb(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* verb : named_verbs(app)) names.push_back(verb->get_name());
  const std::string near = nearest_word(word, names);
  return fmt::format("there is no verb '{}'{}", word,
                     near.empty() ? "" : fmt::format("; the nearest is {}", near));
}

std::string unexpected_words(const CLI::App& app) {
  const std::vector<std::string> words = app.remaining(true);
  std::string message = "not expected: ";
  for (const std::string& word : words) message += (message.ends_with(' ') ? "" : " ") + word;
  const auto parsed = app.get_subcommands();
  if (parsed.empty()) return message;
  std::vector<std::string> known;
  each_flag(*parsed.front(), [&](const CLI::Option& option) {
    for (std::string& name : names_of(option)) known.push_back(std::move(name));
  });
  for (const std::string& word : words) {
    if (!word.starts_with("--")) continue;
    const std::string flag = word.substr(0, word.find('=')), near = nearest_word(flag, known);
    if (!near.empty()) message += fmt::format("; the nearest to {} is {}", flag, near);
  }
  return message;
}

}  // namespace longhand::cli
