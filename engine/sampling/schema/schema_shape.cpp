#include "engine/sampling/schema/schema_shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "ops/error.h"

namespace longhand {
namespace {

[[noreturn]] void fail(const std::string& what) { throw Error(Errc::grammar, what); }

struct TypeName {
  std::string_view name;
  unsigned types;
};
constexpr TypeName kTypes[] = {{"null", kNullType},     {"boolean", kBooleanType}, {"integer", kIntegerType},
                               {"number", kNumberType}, {"string", kStringType},   {"array", kArrayType},
                               {"object", kObjectType}};

// A length or count: numbers beyond what a text can have are no limit.
std::uint32_t count_of(const Json& value) {
  const double count = value.is_number() ? value.get<double>() : -1;
  if (!(count >= 0) || count != std::floor(count)) fail(fmt::format("{} is no count", value.dump()));
  return count >= double(kNoLimit) ? kNoLimit : std::uint32_t(count);
}

void at_least(SchemaShape::Count& count, const Json& value) {
  count.min = std::max(count.min, count_of(value));
}
void at_most(SchemaShape::Count& count, const Json& value) {
  count.max = std::min(count.max, count_of(value));
}

// Of a boolean the strict keyword is about its neighbour (draft 4).
bool strict(const Json& schema, const char* key) {
  const auto found = schema.find(key);
  return found != schema.end() && *found == true;
}

void absorb_types(SchemaShape& shape, const Json& value, const Json&) {
  unsigned types = 0;
  if (value.is_array()) {
    for (const Json& name : value) types |= schema_type(name.get_ref<const std::string&>());
  } else {
    types = schema_type(value.get_ref<const std::string&>());
  }
  shape.types &= types;
  shape.typed = true;
}

void absorb_values(SchemaShape& shape, const Json& list, const Json&) {
  if (!list.is_array()) fail("enum must be a list");
  constexpr std::size_t kMost = 10000;  // each is compared with all others
  if (list.size() > kMost) fail(fmt::format("enum has {} values, must have at most {}", list.size(), kMost));
  std::vector<Json> kept;
  for (const Json& value : list) {
    const bool held =
        !shape.values || std::find(shape.values->begin(), shape.values->end(), value) != shape.values->end();
    if (held && std::find(kept.begin(), kept.end(), value) == kept.end()) kept.push_back(value);
  }
  shape.values = std::move(kept);
  shape.typed = true;
}

void absorb_minimum(SchemaShape& shape, const Json& value, const Json& schema) {
  shape.numbers.at_least.push_back({decimal_of(value), strict(schema, "exclusiveMinimum")});
}

void absorb_maximum(SchemaShape& shape, const Json& value, const Json& schema) {
  shape.numbers.at_most.push_back({decimal_of(value), strict(schema, "exclusiveMaximum")});
}

void absorb_items(SchemaShape& shape, const Json&, const Json& schema) {
  SchemaShape::ItemRule rule;
  const auto items = schema.find("items");
  const auto prefix = schema.find("prefixItems");
  const auto list = [&](const Json& schemas) {
    for (const Json& item : schemas) rule.prefix.push_back(&item);
  };
  if (prefix != schema.end()) list(*prefix);
  if (items != schema.end() && items->is_array()) {  // draft 7
    list(*items);
    if (const auto more = schema.find("additionalItems"); more != schema.end()) rule.items = &*more;
  } else if (items != schema.end()) {
    rule.items = &*items;
  }
  shape.item_rules.push_back(std::move(rule));
}

void absorb_contains(SchemaShape& shape, const Json& value, const Json& schema) {
  SchemaShape::ContainsRule rule{&value, {.min = 1}};
  if (const auto least = schema.find("minContains"); least != schema.end()) rule.count.min = count_of(*least);
  if (const auto most = schema.find("maxContains"); most != schema.end()) rule.count.max = count_of(*most);
  shape.contains.push_back(rule);
}

void absorb_properties(SchemaShape& shape, const Json&, const Json& schema) {
  SchemaShape::PropertyRule rule;
  const auto find = [&](const char* key) {
    const auto found = schema.find(key);
    return found == schema.end() ? nullptr : &*found;
  };
  rule.properties = find("properties");
  rule.patterns = find("patternProperties");
  rule.additional = find("additionalProperties");
  for (const Json* map : {rule.properties, rule.patterns}) {
    if (map != nullptr && !map->is_object()) fail("properties must be an object");
  }
  shape.property_rules.push_back(rule);
}

void absorb_required(SchemaShape& shape, const Json& value, const Json&) {
  if (value.is_boolean()) return;  // draft 3
  for (const Json& name : value) {
    if (!shape.requires_name(name.get_ref<const std::string&>())) shape.required.push_back(name);
  }
}

struct Keyword {
  std::string_view name;
  unsigned types;  // it speaks of; 0: of all
  void (*absorb)(SchemaShape&, const Json& value, const Json& schema);
};
using Shape = SchemaShape;
constexpr Keyword kKeywords[] = {
    {"type", 0, absorb_types},
    {"enum", 0, absorb_values},
    {"const", 0, [](Shape& s, const Json& v, const Json& all) { absorb_values(s, Json::array({v}), all); }},
    {"minimum", kNumberType, absorb_minimum},
    {"maximum", kNumberType, absorb_maximum},
    {"exclusiveMinimum", kNumberType,
     [](Shape& s, const Json& v, const Json&) {
       if (!v.is_boolean()) s.numbers.at_least.push_back({decimal_of(v), true});
     }},
    {"exclusiveMaximum", kNumberType,
     [](Shape& s, const Json& v, const Json&) {
       if (!v.is_boolean()) s.numbers.at_most.push_back({decimal_of(v), true});
     }},
    {"multipleOf", kNumberType,
     [](Shape& s, const Json& v, const Json&) { s.numbers.multiples_of.push_back(decimal_of(v)); }},
    {kNotMultipleOf, kNumberType,
     [](Shape& s, const Json& v, const Json&) { s.numbers.no_multiples_of.push_back(decimal_of(v)); }},
    {"minLength", kStringType, [](Shape& s, const Json& v, const Json&) { at_least(s.length, v); }},
    {"maxLength", kStringType, [](Shape& s, const Json& v, const Json&) { at_most(s.length, v); }},
    {"pattern", kStringType,
     [](Shape& s, const Json& v, const Json&) {
       s.patterns.push_back({v, true});
     }},
    {kNotPattern, kStringType,
     [](Shape& s, const Json& v, const Json&) {
       s.patterns.push_back({v, false});
     }},
    {"format", kStringType, [](Shape& s, const Json& v, const Json&) { s.formats.push_back(v); }},
    {kNotTexts, kStringType,
     [](Shape& s, const Json& v, const Json&) {
       for (const Json& text : v) s.not_texts.push_back(text);
     }},
    {"minItems", kArrayType, [](Shape& s, const Json& v, const Json&) { at_least(s.items, v); }},
    {"maxItems", kArrayType, [](Shape& s, const Json& v, const Json&) { at_most(s.items, v); }},
    {"prefixItems", kArrayType, absorb_items},
    {"items", kArrayType,
     [](Shape& s, const Json& v, const Json& all) {
       if (!all.contains("prefixItems")) absorb_items(s, v, all);
     }},
    {"contains", kArrayType, absorb_contains},
    {"uniqueItems", kArrayType,
     [](Shape& s, const Json& v, const Json&) { s.unique = s.unique || v == true; }},
    {"unevaluatedItems", kArrayType, [](Shape& s, const Json& v, const Json&) { s.unevaluated_items = &v; }},
    {"properties", kObjectType, absorb_properties},
    {"patternProperties", kObjectType,
     [](Shape& s, const Json& v, const Json& all) {
       if (!all.contains("properties")) absorb_properties(s, v, all);
     }},
    {"additionalProperties", kObjectType,
     [](Shape& s, const Json& v, const Json& all) {
       if (!all.contains("properties") && !all.contains("patternProperties")) absorb_properties(s, v, all);
     }},
    {"propertyNames", kObjectType, [](Shape& s, const Json& v, const Json&) { s.names.push_back(&v); }},
    {"unevaluatedProperties", kObjectType, [](Shape& s, const Json& v, const Json&) { s.unevaluated = &v; }},
    {"required", kObjectType, absorb_required},
    {"minProperties", kObjectType, [](Shape& s, const Json& v, const Json&) { at_least(s.properties, v); }},
    {"maxProperties", kObjectType, [](Shape& s, const Json& v, const Json&) { at_most(s.properties, v); }},
};

const Keyword* find_keyword(std::string_view name) {
  const auto* found = std::find_if(std::begin(kKeywords), std::end(kKeywords),
                                   [&](const Keyword& keyword) { return keyword.name == name; });
  return found == std::end(kKeywords) ? nullptr : found;
}

}  // namespace

unsigned schema_type(std::string_view name) {
  for (const TypeName& type : kTypes) {
    if (type.name == name) return type.types;
  }
  fail(fmt::format("type \"{}\" is unknown", name));
}

unsigned type_of(const Json& value) {
  if (value.is_number()) {
    const bool whole = value.is_number_integer() || value.get<double>() == std::floor(value.get<double>());
    return whole ? kIntegerType : kFractionType;
  }
  return schema_type(value.type_name());
}

unsigned SchemaShape::possible_types() const noexcept {
  return typed || spoken_of == 0 ? types : types & spoken_of;
}

bool SchemaShape::requires_name(std::string_view name) const {
  return std::find(required.begin(), required.end(), name) != required.end();
}

std::optional<Schemas> SchemaShape::property(const std::string& name, PatternTexts& texts) const {
  Schemas all;
  bool listed = false;
  for (const PropertyRule& rule : property_rules) {
    const std::size_t before = all.size();
    if (rule.properties != nullptr) {
      const auto found = rule.properties->find(name);
      if (found != rule.properties->end()) all.push_back(&*found);
    }
    if (rule.patterns != nullptr) {
      for (const auto& [pattern, schema] : rule.patterns->items()) {
        if (accepts(texts.of(pattern), name)) all.push_back(&schema);
      }
    }
    if (all.size() == before && rule.additional != nullptr) all.push_back(rule.additional);
    listed = listed || all.size() > before;
  }
  if (!listed && unevaluated == nullptr) return std::nullopt;
  if (!listed) all.push_back(unevaluated);
  return all;
}

Schemas SchemaShape::item(std::size_t index) const {
  Schemas all;
  for (const ItemRule& rule : item_rules) {
    if (index < rule.prefix.size()) {
      all.push_back(rule.prefix[index]);
    } else if (rule.items != nullptr) {
      all.push_back(rule.items);
    }
  }
  if (all.empty() && unevaluated_items != nullptr) all.push_back(unevaluated_items);
  return all;
}

void absorb_keywords(SchemaShape& shape, const Json& schema) {
  for (const auto& [name, value] : schema.items()) {
    const Keyword* keyword = find_keyword(name);
    if (keyword == nullptr) continue;
    try {
      keyword->absorb(shape, value, schema);
    } catch (const nlohmann::json::exception&) {
      fail(fmt::format("\"{}\" cannot be {}", name, escape_controls(value.dump(), 60)));
    }
    shape.spoken_of |= keyword->types;
  }
}

bool is_plain_keyword(std::string_view keyword) { return find_keyword(keyword) != nullptr; }

Decimal decimal_of(const Json& number) {
  const auto value = number.is_number() ? parse_decimal(number.dump()) : std::nullopt;
  if (!value) fail(fmt::format("{} is no number within bounds", escape_controls(number.dump(), 60)));
  return *value;
}

const TextAutomaton& PatternTexts::of(const std::string& pattern) {
  const auto known = known_.find(pattern);
  if (known != known_.end()) return known->second;
  return known_[pattern] = automaton_of(parse_pattern(pattern));
}

}  // namespace longhand
