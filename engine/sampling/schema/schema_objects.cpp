// Rules for objects of JSON schemas.
#include <fmt/format.h>

#include <algorithm>

#include "engine/sampling/grammar/gbnf_text.h"
#include "engine/sampling/schema/schema_writer.h"
#include "ops/error.h"

namespace longhand {
namespace {

constexpr std::size_t kMaxClasses = 256;    // of names that patterns tell apart
constexpr std::size_t kMaxCounted = 20000;  // members times the most that are counted
constexpr std::size_t kLongText = 2000;     // beyond it a part becomes a rule

std::vector<std::string> listed_names(const SchemaShape& shape) {
  std::vector<std::string> names;
  std::map<std::string, bool> seen;
  const auto add = [&](const std::string& name) {
    if (seen.try_emplace(name, true).second) names.push_back(name);
  };
  for (const auto& rule : shape.property_rules) {
    if (rule.properties == nullptr) continue;
    for (const auto& [name, schema] : rule.properties->items()) add(name);
  }
  for (const std::string& name : shape.required) add(name);
  return names;
}

// Whether the schema says which properties there are.
bool lists_properties(const SchemaShape& shape) {
  return std::any_of(shape.property_rules.begin(), shape.property_rules.end(), [](const auto& rule) {
    const bool listed =
        rule.properties != nullptr && std::any_of(rule.properties->begin(), rule.properties->end(),
                                                  [](const Json& property) { return property != false; });
    return listed || (rule.patterns != nullptr && !rule.patterns->empty());
  });
}

std::vector<std::string> all_patterns(const SchemaShape& shape) {
  std::vector<std::string> patterns;
  for (const auto& rule : shape.property_rules) {
    if (rule.patterns == nullptr) continue;
    for (const auto& [pattern, schema] : rule.patterns->items()) {
      if (std::find(patterns.begin(), patterns.end(), pattern) == patterns.end()) patterns.push_back(pattern);
    }
  }
  return patterns;
}

}  // namespace

// `name` empty: one that the schema does not list.
SchemaWriter::Place SchemaWriter::member_place(const std::string& name, const At& at) {
  if (at.place != Place::arguments || !spelling_.arguments || !spelling_.arguments->text) return Place::value;
  const ArgumentText kind = spelling_.arguments->kind(name);
  if (kind == ArgumentText::raw) return Place::text_argument;
  return kind == ArgumentText::mixed ? Place::mixed_argument : Place::value;
}

// `name` and `value` are elements.
std::string SchemaWriter::member_rule(const std::string& name, const std::string& value, const At& at,
                                      Place place) {
  if (at.place != Place::arguments || !spelling_.arguments)
    return fmt::format("{} \":\" {} {}", name, rules_.builtin("ws"), value);
  const MemberSpelling& how = *spelling_.arguments;
  const bool text = place == Place::text_argument && !how.after_name_of_text.empty();
  return fmt::format("{} {} {} {} {}", how.begin, name, text ? how.after_name_of_text : how.after_name, value,
                     how.end);
}

std::optional<std::vector<SchemaWriter::Member>> SchemaWriter::members(const SchemaShape& shape,
                                                                       const std::vector<std::string>& names,
                                                                       const At& at) {
  std::vector<Member> list;
  for (const std::string& name : names) {
    const bool required = shape.requires_name(name);
    const bool bare = spelling_.bare_names || (at.place == Place::arguments && spelling_.arguments);
    if (bare && !is_bare_name(name)) {
      if (required) schemas_.refuse(fmt::format("a property of the name \"{}\"", escape_controls(name, 40)));
      continue;
    }
    const Schemas all = shape.property(name, schemas_.patterns).value_or(Schemas());
    const Place place = member_place(name, at);
    GbnfPart value;
    if (schemas_.satisfies(Json(name), shape.names)) value = visit(all, at.inside("." + name, place));
    if (!value && required) return std::nullopt;
    if (!value) continue;
    const std::string key = gbnf_literal(bare ? name : Json(name).dump());
    list.push_back({rules_.add(at.path + "." + name + "-kv", member_rule(key, *value, at, place)), required});
  }
  return list;
}

// The schemas of a name that is not listed and matches these patterns; nothing where there is no such name.
std::optional<Schemas> SchemaWriter::other_value(const SchemaShape& shape,
                                                 const std::vector<std::string>& matched) {
  Schemas all;
  bool known = false;
  for (const auto& rule : shape.property_rules) {
    bool here = false;
    for (const std::string& pattern : matched) {
      if (rule.patterns == nullptr || !rule.patterns->contains(pattern)) continue;
      all.push_back(&(*rule.patterns)[pattern]);
      here = true;
    }
    if (!here && rule.additional != nullptr) all.push_back(rule.additional);
    known = known || here || rule.additional != nullptr;
  }
  if (known) return all;
  if (shape.unevaluated != nullptr) return Schemas{shape.unevaluated};
  return lists_properties(shape) ? std::nullopt : std::optional(all);
}

// Names fall into classes by the patterns they match.
std::vector<SchemaWriter::OtherNames> SchemaWriter::others(const SchemaShape& shape,
                                                           const std::vector<std::string>& names,
                                                           const At& at) {
  struct Class {
    TextAutomaton names;
    std::vector<std::string> matched;
  };
  std::vector<OtherNames> out;
  const std::vector<std::string> patterns = all_patterns(shape);
  if (patterns.empty() && !other_value(shape, {})) return out;
  SchemaShape any;
  any.types = kStringType;
  const std::vector<SchemaShape> ways = shape.names.empty() ? std::vector{any} : schemas_.shapes(shape.names);
  for (const SchemaShape& way : ways) {
    TextAutomaton all = texts(way).value_or(any_text());
    if (way.values) {
      std::vector<std::string> list;
      for (const Json& value : *way.values) {
        if (value.is_string() && schemas_.satisfies(value, way)) list.push_back(value);
      }
      all = automaton_of(list);
    }
    if (!names.empty()) all = both(all, complement(automaton_of(names)));
    std::vector<Class> classes = {{std::move(all), {}}};
    for (const std::string& pattern : patterns) {
      std::vector<Class> split;
      const TextAutomaton& matching = schemas_.patterns.of(pattern);
      for (Class& one : classes) {
        Class inside{both(one.names, matching), one.matched};
        inside.matched.push_back(pattern);
        Class outside{both(one.names, complement(matching)), std::move(one.matched)};
        if (!inside.names.empty()) split.push_back(std::move(inside));
        if (!outside.names.empty()) split.push_back(std::move(outside));
      }
      classes = std::move(split);
      if (classes.size() > kMaxClasses) throw Error(Errc::grammar, "patternProperties has too many patterns");
    }
    for (Class& one : classes) {
      const auto value = one.names.empty() ? std::nullopt : other_value(shape, one.matched);
      const Place place = member_place("", at);
      const GbnfPart rule = value ? visit(*value, at.inside(".*", place)) : std::nullopt;
      if (rule) out.push_back({std::move(one.names), way.length, *rule, place});
    }
  }
  return out;
}

GbnfPart SchemaWriter::other_member(const std::vector<OtherNames>& others, const At& at) {
  GbnfPart all;
  const bool bare = spelling_.bare_names || (at.place == Place::arguments && spelling_.arguments);
  for (const OtherNames& other : others) {
    const auto [min, max] = other.length;
    if (bare) {
      const TextAutomaton simple = both(other.names, schemas_.patterns.of("^[A-Za-z_][A-Za-z0-9_]*$"));
      const TextAutomaton names = min == 0 && max == kNoLimit ? simple : limited(simple, min, max);
      if (names.empty()) continue;
      const std::string key = rules_.raw_texts(names, at.path + "-key");
      add_alternative(all, member_rule(key, other.value, at, other.place));
      continue;
    }
    std::string key = rules_.builtin("string");
    const bool any_name = other.names.states.size() == 1 && min == 0 && max == kNoLimit;
    if (!any_name || other.names.states[0].edges[0].set != normalised({}, true)) {
      const TextAutomaton names = min == 0 && max == kNoLimit ? other.names : limited(other.names, min, max);
      if (names.empty()) continue;
      key = fmt::format(R"("\"" {} "\"")", rules_.json_texts(names, at.path + "-key"));
    }
    add_alternative(all, member_rule(key, other.value, at, other.place));
  }
  return all ? std::optional(rules_.add(at.path + "-other-kv", *all)) : std::nullopt;
}

// after[n]: members from here on, with n before them; the last n stands for more as well, where nobody
// counts.
GbnfPart SchemaWriter::in_order(const std::vector<Member>& members, const GbnfPart& other,
                                SchemaShape::Count count, const At& at) {
  const bool bounded = count.max != kNoLimit;
  const auto all = std::uint32_t(members.size());
  const std::uint32_t most = std::clamp<std::uint32_t>(bounded ? count.max : count.min, 1, std::max(all, 1u));
  const auto index = [&](std::uint32_t n) { return std::min(n, most); };
  std::vector<GbnfPart> after(most + 1);
  const auto room = [&](std::uint32_t n) { return !bounded || n < count.max; };
  for (std::uint32_t n = 0; n <= most && n <= members.size(); ++n) {
    const std::uint32_t missing = count.min > n ? count.min - n : 0;
    if (missing == 0) after[n] = "\"\"";
    if (!other || !room(n)) continue;
    const std::uint32_t left = bounded ? count.max - n : kNoLimit;
    const std::string more = "(" + separator(at) + *other + ")";
    if (n > 0) {
      after[n] = gbnf_repeat(more, missing, left);
    } else {
      const std::string rest =
          gbnf_repeat(more, missing > 0 ? missing - 1 : 0, bounded ? left - 1 : kNoLimit);
      after[n] = missing > 0 ? *other + " " + rest : "(" + *other + " " + rest + ")?";
    }
  }
  for (std::size_t i = members.size(); i-- > 0;) {
    std::vector<GbnfPart> here(most + 1);
    for (std::uint32_t n = 0; n <= most && n <= i; ++n) {
      const GbnfPart& taken = after[index(n + 1)];
      GbnfPart& part = here[n];
      if (room(n) && taken) part = (n == 0 ? "" : separator(at)) + members[i].rule + " " + *taken;
      if (!members[i].required) add_alternative(part, after[n]);
      const bool long_text = part && (!members[i].required || part->size() > kLongText);
      if (long_text) part = rules_.add(at.path + "-members", *part);
    }
    after = std::move(here);
  }
  return after[0];
}

GbnfPart SchemaWriter::object(const SchemaShape& shape, const At& at) {
  const std::vector<std::string> names = listed_names(shape);
  const auto list = members(shape, names, at);
  if (!list) return std::nullopt;
  GbnfPart other;
  try {
    other = other_member(others(shape, names, at), at);
  } catch (const Error& error) {
    schemas_.set_path(at.path);
    schemas_.refuse(plain_message(error));
  }
  SchemaShape::Count count = shape.properties;
  if (count.min <= shape.required.size()) count.min = 0;
  if (!other && count.max >= list->size()) count.max = kNoLimit;
  if (count.max < count.min || count.max < shape.required.size()) return std::nullopt;
  const std::size_t counted = count.max == kNoLimit ? count.min : count.max;
  if (!list->empty() && counted * list->size() > kMaxCounted) {
    schemas_.set_path(at.path);
    schemas_.refuse("so large a minProperties or maxProperties");
    count = {};
  }
  const GbnfPart inside = in_order(*list, other, count, at);
  if (!inside) return std::nullopt;
  if (at.place == Place::arguments && spelling_.arguments) return inside;
  const std::string ws = rules_.builtin("ws");
  return fmt::format(R"("{{" {} {} {} "}}")", ws, *inside, ws);
}

}  // namespace longhand
