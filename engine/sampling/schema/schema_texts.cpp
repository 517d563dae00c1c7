// Rules for strings and numbers of JSON schemas.
#include <fmt/format.h>

#include <algorithm>

#include "engine/sampling/grammar/gbnf_text.h"
#include "engine/sampling/schema/pattern_text.h"
#include "engine/sampling/schema/schema_writer.h"
#include "ops/error.h"

namespace longhand {
namespace {

constexpr std::string_view kTime =
    R"(([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[-+]([01]\d|2[0-3]):[0-5]\d))";
constexpr std::string_view kDate = R"(\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]))";

// Those that are held to.
const std::string& format_pattern(const std::string& format) {
  static const std::map<std::string, std::string> kPatterns = {
      {"date", fmt::format("^{}$", kDate)},
      {"time", fmt::format("^{}$", kTime)},
      {"date-time", fmt::format("^{}T{}$", kDate, kTime)},
      {"uuid", "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"}};
  static const std::string kNone;
  const auto found = kPatterns.find(format);
  return found == kPatterns.end() ? kNone : found->second;
}

bool is_any_text(const TextAutomaton& a) {
  return a.states.size() == 1 && a.states[0].accepts && a.states[0].edges.size() == 1 &&
         a.states[0].edges[0].set == normalised({}, true);
}

bool has_limits(const SchemaShape::Count& count) { return count.min > 0 || count.max != kNoLimit; }

}  // namespace

// Without what its lengths ask; nothing where that is all.
std::optional<TextAutomaton> SchemaWriter::texts(const SchemaShape& shape) {
  std::optional<TextAutomaton> all;
  const auto add = [&](const TextAutomaton& more) { all = all ? both(*all, more) : more; };
  for (const auto& [pattern, wanted] : shape.patterns) {
    const TextAutomaton& found = schemas_.patterns.of(pattern);
    add(wanted ? found : complement(found));
  }
  for (const std::string& format : shape.formats) {
    const std::string& pattern = format_pattern(format);
    if (!pattern.empty()) add(schemas_.patterns.of(pattern));
    if (pattern.empty())
      schemas_.note(fmt::format("format \"{}\" is not enforced", escape_controls(format, 40)));
  }
  if (!shape.not_texts.empty()) add(complement(automaton_of(shape.not_texts)));
  return all && is_any_text(*all) ? std::nullopt : all;
}

const TextSpelling& SchemaWriter::text_spelling(Place place) const {
  const bool argument = place == Place::text_argument || place == Place::mixed_argument;
  return argument ? *spelling_.arguments->text : spelling_.text;
}

GbnfPart SchemaWriter::string(const SchemaShape& shape, const At& at) {
  GbnfPart out = text_spelling(at.place).raw ? raw_string(shape, at) : json_string(shape, at);
  if (at.place == Place::mixed_argument) add_alternative(out, json_string(shape, at));
  return out;
}

// Characters that stand for themselves.
GbnfPart SchemaWriter::raw_string(const SchemaShape& shape, const At& at) {
  const TextSpelling& how = text_spelling(at.place);
  const auto all_without = [&](const std::string& excluded) {
    TextAutomaton all = texts(shape).value_or(any_text());
    if (!excluded.empty()) all = both(all, texts_without(excluded));
    if (at.place == Place::mixed_argument)
      all = both(all, complement(automaton_of(parse_pattern(kLooksLikeJson))));
    return has_limits(shape.length) ? limited(all, shape.length.min, shape.length.max) : all;
  };
  const auto written = [&](const TextAutomaton& all) -> GbnfPart {
    if (all.empty()) return std::nullopt;
    return fmt::format("{} {} {}", how.before, rules_.raw_texts(all, at.path), how.after);
  };
  try {
    return written(all_without(how.excluded));
  } catch (const Error&) {
    if (how.excluded.empty()) throw;
  }
  // Too large. That of one character, the first that ends a string, counts no steps of its own.
  try {
    return written(all_without(how.excluded.substr(0, 1)));
  } catch (const Error& error) { schemas_.refuse(plain_message(error)); }
  SchemaShape any;
  return raw_string(any, at);
}

GbnfPart SchemaWriter::json_string(const SchemaShape& shape, const At& at) {
  try {
    const bool one_pattern = shape.patterns.size() == 1 && shape.patterns[0].wanted &&
                             shape.formats.empty() && shape.not_texts.empty() && !has_limits(shape.length);
    const auto counted = one_pattern
                             ? counted_pattern_to_gbnf(parse_pattern(shape.patterns[0].pattern), rules_)
                             : std::nullopt;
    if (counted) return fmt::format(R"("\"" {} "\"")", *counted);
    std::optional<TextAutomaton> all = texts(shape);
    if (all) {
      if (has_limits(shape.length)) all = limited(*all, shape.length.min, shape.length.max);
      if (all->empty()) return std::nullopt;
      return fmt::format(R"("\"" {} "\"")", rules_.json_texts(*all, at.path));
    }
  } catch (const Error& error) { schemas_.refuse(plain_message(error)); }
  if (!has_limits(shape.length)) return rules_.builtin("string");
  if (shape.length.min > shape.length.max) return std::nullopt;
  return fmt::format(R"("\"" {} "\"")",
                     gbnf_repeat(rules_.builtin("char"), shape.length.min, shape.length.max));
}

GbnfPart SchemaWriter::number(const SchemaShape& shape, unsigned types, const At& at) {
  NumberBounds bounds = shape.numbers;
  bounds.integer = (types & kNumberType) == kIntegerType;
  if ((types & kNumberType) == kFractionType) bounds.no_multiples_of.push_back({.digits = "1"});
  const bool unbounded =
      bounds.at_most.empty() && bounds.multiples_of.empty() && bounds.no_multiples_of.empty();
  const auto is_zero = [](const NumberBound& bound) {
    return bound.value.digits.empty() && !bound.exclusive;
  };
  if (unbounded && bounds.at_least.empty()) return rules_.builtin(bounds.integer ? "integer" : "number");
  if (unbounded && !bounds.integer && std::all_of(bounds.at_least.begin(), bounds.at_least.end(), is_zero))
    return rules_.builtin("positive-number");
  try {
    const TextAutomaton all = number_texts(bounds);
    if (all.empty()) return std::nullopt;
    return rules_.json_texts(all, at.path);
  } catch (const Error& error) { schemas_.refuse(plain_message(error)); }
  return rules_.builtin(bounds.integer ? "integer" : "number");
}

}  // namespace longhand
