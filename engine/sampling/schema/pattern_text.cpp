#include "engine/sampling/schema/pattern_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/sampling/grammar/gbnf_text.h"
#include "engine/sampling/grammar/grammar.h"

namespace longhand {
namespace {

using Kind = Pattern::Kind;

// Places an automaton would have at least.
double places(const Pattern& pattern) {
  double count = pattern.kind == Kind::set ? 1 : 0;
  for (const Pattern& part : pattern.parts) count += places(part);
  const double copies = pattern.max == kNoLimit ? pattern.min + 1.0 : pattern.max;
  return pattern.kind == Kind::repeat ? count * std::max(copies, 1.0) : count;
}

bool is_plain(const Pattern& pattern) {
  return pattern.kind < Kind::text_start && std::all_of(pattern.parts.begin(), pattern.parts.end(), is_plain);
}

// Recursion is bounded by the depth of groups.
std::string text_of(const Pattern& pattern, GbnfRules& rules) {
  if (pattern.kind == Kind::set) {
    const std::string one = rules.json_character(pattern.set);
    return one.empty() ? std::string(kNothing) : one;
  }
  if (pattern.kind == Kind::repeat) {
    return gbnf_repeat("(" + text_of(pattern.parts[0], rules) + ")", pattern.min, pattern.max);
  }
  std::string text;
  for (const Pattern& part : pattern.parts) {
    if (!text.empty()) text += pattern.kind == Kind::choice ? " | " : " ";
    text += text_of(part, rules);
  }
  return text.empty() ? "\"\"" : pattern.kind == Kind::choice ? "(" + text + ")" : text;
}

}  // namespace

std::optional<std::string> counted_pattern_to_gbnf(const Pattern& pattern, GbnfRules& rules) {
  constexpr double kFew = 100;
  if (places(pattern) <= kFew) return std::nullopt;
  Pattern inside = pattern;
  if (inside.kind != Kind::sequence) inside = {.kind = Kind::sequence, .parts = {inside}};
  auto& parts = inside.parts;
  const bool from_start = !parts.empty() && parts.front().kind == Kind::text_start;
  if (from_start) parts.erase(parts.begin());
  const bool to_end = !parts.empty() && parts.back().kind == Kind::text_end;
  if (to_end) parts.pop_back();
  if (!is_plain(inside)) return std::nullopt;
  const std::string any = rules.builtin("char");
  return fmt::format("{}({}){}", from_start ? "" : any + "* ", text_of(inside, rules),
                     to_end ? "" : " " + any + "*");
}

}  // namespace longhand
