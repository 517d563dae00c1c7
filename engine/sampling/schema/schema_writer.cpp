#include "engine/sampling/schema/schema_writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/sampling/grammar/gbnf_text.h"
#include "ops/error.h"

namespace longhand {
namespace {

constexpr int kMaxDepth = 128;             // of schemas in schemas
constexpr std::size_t kMaxPlaces = 20000;  // schemas, or sets of them, that get rules

// Whether all that `schema` asks is one of several others.
const Json* only_choice(const Json& schema) {
  const Json* choice = nullptr;
  for (const auto& [key, value] : schema.items()) {
    const bool branches = key == "anyOf" || key == "oneOf";
    if (branches && choice == nullptr && value.is_array()) {
      choice = &value;
      continue;
    }
    constexpr std::string_view kOthers[] = {"anyOf",
                                            "oneOf",
                                            "allOf",
                                            "not",
                                            "if",
                                            "$ref",
                                            "nullable",
                                            "dependencies",
                                            "dependentRequired",
                                            "dependentSchemas"};
    if (is_plain_keyword(key) || std::find(std::begin(kOthers), std::end(kOthers), key) != std::end(kOthers))
      return nullptr;
  }
  return choice;
}

}  // namespace

void add_alternative(GbnfPart& all, const GbnfPart& more) {
  if (!more) return;
  all = all ? *all + " | " + *more : *more;
}

// Without those that ask nothing; `possible`: none of them is false.
Schemas SchemaWriter::settled(const Schemas& all, bool& possible) {
  Schemas out;
  for (const Json* schema : all) {
    const Json* target = schemas_.target(schema);
    if (*target == false) possible = false;
    if (*target == true) continue;
    out.push_back(target);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// Recursion is bounded by kMaxDepth; a schema within itself is a rule within itself.
GbnfPart SchemaWriter::visit(const Schemas& all, const At& at) {
  if (at.depth > kMaxDepth) throw Error(Errc::grammar, fmt::format("schemas nest deeper than {}", kMaxDepth));
  bool possible = true;
  schemas_.set_path(at.path);
  const Schemas key = settled(all, possible);
  if (!possible) return std::nullopt;
  if (key.empty() && plain_json(at)) return rules_.builtin("value");
  const auto [entry, fresh] = known_.try_emplace({at.place, key});
  Known& known = entry->second;
  if (!fresh) {
    known.used = known.used || !known.done;
    return known.done ? known.part : known.name;
  }
  if (known_.size() > kMaxPlaces)
    throw Error(Errc::grammar, fmt::format("more than {} schemas meet", kMaxPlaces));
  known.name = rules_.reserve(at.path);
  const GbnfPart inside = body(key, at);
  known.done = true;
  known.part = inside ? std::optional(known.name) : std::nullopt;
  if (inside || known.used) rules_.define(known.name, inside.value_or(std::string(kNothing)));
  return known.part;
}

GbnfPart SchemaWriter::body(const Schemas& all, const At& at) {
  GbnfPart out;
  const Json* choice = all.size() == 1 && all[0]->is_object() ? only_choice(*all[0]) : nullptr;
  if (choice != nullptr) {
    Schemas branches;
    for (const Json& branch : *choice) branches.push_back(&branch);
    if (all[0]->contains("oneOf")) branches = schemas_.parted(branches);
    int index = 0;
    for (const Json* branch : branches)
      add_alternative(out, visit({branch}, at.below(fmt::format("|{}", index++))));
    return out;
  }
  for (const SchemaShape& one : schemas_.shapes(all)) {
    add_alternative(out, shape(one, at));
    schemas_.set_path(at.path);
  }
  return out;
}

GbnfPart SchemaWriter::shape(const SchemaShape& shape, const At& at) {
  if (!shape.values) return of_types(shape, at);
  std::vector<Json> left;
  for (const Json& value : *shape.values) {
    if (schemas_.satisfies(value, shape)) left.push_back(value);
  }
  return literals(left, at);
}

GbnfPart SchemaWriter::literals(const std::vector<Json>& values, const At& at) {
  constexpr std::size_t kFew = 32;
  const bool texts = std::all_of(values.begin(), values.end(), [](const Json& value) {
    if (!value.is_string()) return false;
    const auto& text = value.get_ref<const std::string&>();
    return std::all_of(text.begin(), text.end(), [](char c) { return std::uint8_t(c) >= 0x20 && c != 0x7F; });
  });
  if (texts && plain_json(at) && values.size() > kFew) {  // common beginnings are followed once
    std::vector<std::string> list;
    for (const Json& value : values) list.push_back(value.get<std::string>());
    return fmt::format(R"("\"" {} "\"")", rules_.json_texts(automaton_of(list), at.path));
  }
  GbnfPart out;
  for (const Json& value : values) add_alternative(out, literal(value, at));
  return out;
}

// Nothing where a raw string would end too early.
GbnfPart SchemaWriter::literal(const Json& value, const At& at) {
  if (at.place == Place::arguments) schemas_.refuse("a list of values for all arguments together");
  const bool raw = value.is_string() && text_spelling(at.place).raw;
  if (!raw) return at.place == Place::value ? spelled(value, spelling_) : gbnf_literal(value.dump());
  const auto& text = value.get_ref<const std::string&>();
  const TextSpelling& how = text_spelling(at.place);
  const bool taken_for_json = at.place == Place::mixed_argument && looks_like_json(text);
  if (taken_for_json) return gbnf_literal(value.dump());
  if (!how.excluded.empty() && text.find(how.excluded) != std::string::npos) return std::nullopt;
  return fmt::format("{} {} {}", how.before, gbnf_literal(text), how.after);
}

GbnfPart SchemaWriter::of_types(const SchemaShape& shape, const At& at) {
  const unsigned types =
      at.place == Place::arguments ? shape.possible_types() & kObjectType : shape.possible_types();
  const bool json = spelling_.is_json() || at.place != Place::value;
  if (types == kEveryType && shape.spoken_of == 0 && plain_json(at)) return rules_.builtin("value");
  GbnfPart out;
  if ((types & kNullType) != 0)
    add_alternative(out, json ? rules_.builtin("null") : gbnf_literal(spelling_.null));
  if ((types & kBooleanType) != 0) {
    add_alternative(out, json ? rules_.builtin("boolean")
                              : gbnf_literal(spelling_.yes) + " | " + gbnf_literal(spelling_.no));
  }
  if ((types & kNumberType) != 0) add_alternative(out, number(shape, types, at));
  if ((types & kStringType) != 0) add_alternative(out, string(shape, at));
  if ((types & kArrayType) != 0) add_alternative(out, array(shape, at));
  if ((types & kObjectType) != 0) add_alternative(out, object(shape, at));
  return out;
}

}  // namespace longhand
