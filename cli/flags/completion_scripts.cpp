#include "cli/flags/completion_scripts.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace longhand::cli {
namespace {

std::string verb_names(std::span<const VerbFacts> verbs, std::string_view between) {
  std::string out;
  for (const VerbFacts& verb : verbs) out.append(out.empty() ? "" : between).append(verb.name);
  return out;
}

std::string replaced(std::string_view text, std::string_view unsafe, std::string_view before) {
  std::string out;
  for (const char c : text) {
    if (unsafe.find(c) != std::string_view::npos) out += before;
    out += c;
  }
  return out;
}

// A word of zsh and bash in single quotes: the quote itself is closed, escaped and opened again.
std::string single_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// Patterns "verb:flag" of one flag in bash's case.
std::string patterns(const VerbFacts& verb, const FlagFacts& flag) {
  std::string out;
  for (const std::string& name : flag.names)
    out += fmt::format("{}{}:{}", out.empty() ? "" : " | ", verb.name, name);
  return out;
}

}  // namespace

std::string bash_completion(std::span<const VerbFacts> verbs) {
  std::string values, words;
  for (const VerbFacts& verb : verbs) {
    std::vector<std::string> names;
    for (const FlagFacts& flag : verb.flags) {
      names.insert(names.end(), flag.names.begin(), flag.names.end());
      if (flag.value.empty()) continue;
      const std::string offer = !flag.choices.empty() ? fmt::format("-W '{}'", fmt::join(flag.choices, " "))
                                : flag.is_file        ? "-f"
                                                      : "";
      values += fmt::format(
          "    {}) {}return ;;\n", patterns(verb, flag),
          offer.empty() ? "" : fmt::format("mapfile -t COMPREPLY < <(compgen {} -- \"$word\"); ", offer));
    }
    words += fmt::format("    {}:-*) words='{}' ;;\n", verb.name, fmt::join(names, " "));
  }
  return fmt::format(R"(# bash completion of longhand
_longhand() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} verb='' words='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case ${{COMP_WORDS[i]}} in
    {}) verb=${{COMP_WORDS[i]}} && break ;;
    esac
  done
  case $verb:$previous in
{}  esac
  case $verb:$word in
    :-*) words='--help --version' ;;
    :*) words='{}' ;;
{}  esac
  if [ -n "$words" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
}}
complete -o filenames -F _longhand longhand
)",
                     verb_names(verbs, " | "), values, verb_names(verbs, " "), words);
}

std::string zsh_completion(std::span<const VerbFacts> verbs) {
  constexpr std::string_view kUnsafe = "[]:\\";
  std::string described, cases;
  for (const VerbFacts& verb : verbs) {
    described += fmt::format("    {}\n", single_quoted(verb.name + ":" + replaced(verb.help, ":\\", "\\")));
    cases += fmt::format("    {})\n      _arguments", verb.name);
    for (const FlagFacts& flag : verb.flags) {
      std::string value;
      if (!flag.choices.empty()) {
        value = fmt::format(":{}:({})", replaced(flag.value, kUnsafe, "\\"), fmt::join(flag.choices, " "));
      } else if (!flag.value.empty()) {
        value = fmt::format(":{}:{}", replaced(flag.value, kUnsafe, "\\"), flag.is_file ? "_files" : " ");
      }
      // One name excludes the others: they are one flag.
      for (const std::string& name : flag.names) {
        cases += fmt::format(" \\\n        {}",
                             single_quoted(fmt::format("({}){}[{}]{}", fmt::join(flag.names, " "), name,
                                                       replaced(flag.help, kUnsafe, "\\"), value)));
      }
    }
    if (!verb.positional.empty()) cases += " \\\n        '*:file:_files'";
    cases += "\n      ;;\n";
  }
  return fmt::format(R"(#compdef longhand
_longhand() {{
  local state
  local -a verbs
  verbs=(
{}  )
  _arguments -C '(- *)--help[Show help]' '(- *)--version[Show the version]' '1:verb:->verb' '*::argument:->rest'
  case $state in
  verb) _describe verb verbs ;;
  rest)
    case $words[1] in
{}    esac
    ;;
  esac
}}
# Found by its name in a folder of functions, or read by a start-up file.
if [[ $funcstack[1] == _longhand ]]; then _longhand "$@"; else compdef _longhand longhand; fi
)",
                     described, cases);
}

std::string fish_completion(std::span<const VerbFacts> verbs) {
  // In single quotes fish knows two escapes.
  const auto quote = [](std::string_view text) { return "'" + replaced(text, "'\\", "\\") + "'"; };
  std::string out = "# fish completion of longhand\n";
  for (const VerbFacts& verb : verbs) {
    out += fmt::format("complete -c longhand -n __fish_use_subcommand -f -a {} -d {}\n", verb.name,
                       quote(verb.help));
  }
  for (const VerbFacts& verb : verbs) {
    for (const FlagFacts& flag : verb.flags) {
      std::string names, value;
      for (const std::string& name : flag.names)
        names += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (!flag.choices.empty()) {
        value = fmt::format(" -x -a {}", quote(fmt::format("{}", fmt::join(flag.choices, " "))));
      } else if (!flag.value.empty()) {
        value = flag.is_file ? " -r -F" : " -x";
      }
      out += fmt::format("complete -c longhand -n '__fish_seen_subcommand_from {}'{}{} -d {}\n", verb.name,
                         names, value, quote(flag.help));
    }
  }
  return out;
}

}  // namespace longhand::cli
