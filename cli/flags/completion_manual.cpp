// The flags of the manual page.
#include <fmt/format.h>

#include "cli/flags/completion_scripts.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

// Plain text for troff, as one line of its own.
std::string troff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += "\\-";
        break;
      case '\n':
        out += ' ';
        break;
      default:
        out += c;
    }
  }
  // A line beginning with one of these is a request.
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

std::string section_of(const VerbFacts& verb) {
  std::string out =
      fmt::format(".SS longhand {}{}\n{}.\n", verb.name,
                  verb.positional.empty() ? "" : " [" + verb.positional + "]", troff(verb.help));
  for (const FlagFacts& flag : verb.flags) {
    std::string names;
    for (const std::string& name : flag.names)
      names += fmt::format("{}\\fB{}\\fR", names.empty() ? "" : ", ", troff(name));
    out += fmt::format(".TP\n{}{}\n{}.\n", names,
                       flag.value.empty() ? "" : " \\fI" + troff(flag.value) + "\\fR", troff(flag.help));
    if (!flag.choices.empty())
      out += fmt::format("One of {}.\n", troff(fmt::format("{}", fmt::join(flag.choices, ", "))));
  }
  return out;
}

}  // namespace

std::string manual_page(const std::string& frame, std::span<const VerbFacts> verbs) {
  constexpr std::string_view kPlace = ".\\\" FLAGS\n";
  const auto place = frame.find(kPlace);
  if (place == std::string::npos) throw Error(Errc::missing, "the manual has no line for the flags");
  std::string flags;
  for (const VerbFacts& verb : verbs) flags += section_of(verb);
  return std::string(frame).replace(place, kPlace.size(), flags);
}

}  // namespace longhand::cli
