#include "cli/flags/completion_tree.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace longhand::cli {
namespace {

// CLI11 writes "NAME:{a,b,c}" for a value that is one of a list.
std::vector<std::string> choices_in(const std::string& type) {
  const auto open = type.find(":{"), close = type.find('}');
  if (open == std::string::npos || close == std::string::npos) return {};
  return CLI::detail::split(type.substr(open + 2, close - open - 2), ',');
}

FlagFacts facts_of(const CLI::Option& option) {
  FlagFacts facts;
  for (const std::string& name : option.get_snames()) facts.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) facts.names.push_back("--" + name);
  facts.help = option.get_description();
  if (option.get_items_expected_max() == 0) return facts;
  const std::string type = option.get_type_name();
  facts.choices = choices_in(type);
  facts.is_file = std::ranges::find(option.get_lnames(), "model") != option.get_lnames().end() ||
                  std::ranges::any_of(std::array{"FILE", "OUT", "IDS"},
                                      [&](std::string_view word) { return type.starts_with(word); });
  facts.value = type.substr(0, type.find(':'));
  if (facts.value.empty()) facts.value = facts.is_file ? "FILE" : "VALUE";
  return facts;
}

// Groups of flags are nameless subcommands of their verb.
void collect(const CLI::App& app, VerbFacts& verb) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) verb.positional = option->get_name(true);
    const bool inherited = app.get_name().empty() && option->check_name("--help");
    if (option->get_group().empty() || !option->nonpositional() || inherited) continue;
    verb.flags.push_back(facts_of(*option));
  }
  for (const CLI::App* group :
       app.get_subcommands([](const CLI::App* sub) { return sub->get_name().empty(); }))
    collect(*group, verb);
}

}  // namespace

std::vector<VerbFacts> verbs_of(const CLI::App& app) {
  std::vector<VerbFacts> verbs;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App* s) { return !s->get_name().empty(); })) {
    if (sub->get_group().empty()) continue;
    verbs.push_back({sub->get_name(), sub->get_description(), "", {}});
    collect(*sub, verbs.back());
  }
  return verbs;
}

}  // namespace longhand::cli
