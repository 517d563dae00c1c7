#include "engine/grammar/json_schema_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/error.h"

namespace longhand {
namespace {

struct Keyword {
  std::string_view name, type;  // the type it speaks of
};
constexpr Keyword kHonoured[] = {{"$ref", ""},
                                 {"allOf", ""},
                                 {"anyOf", ""},
                                 {"oneOf", ""},
                                 {"const", ""},
                                 {"enum", ""},
                                 {"type", ""},
                                 {"properties", "object"},
                                 {"required", "object"},
                                 {"additionalProperties", "object"},
                                 {"items", "array"},
                                 {"prefixItems", "array"},
                                 {"minItems", "array"},
                                 {"maxItems", "array"},
                                 {"minLength", "string"},
                                 {"maxLength", "string"},
                                 {"pattern", "string"},
                                 {"format", "string"},
                                 {"minimum", "integer"},
                                 {"maximum", "integer"},
                                 {"exclusiveMinimum", "integer"},
                                 {"exclusiveMaximum", "integer"}};

constexpr std::string_view kRefused[] = {"not",
                                         "if",
                                         "then",
                                         "else",
                                         "dependentRequired",
                                         "dependentSchemas",
                                         "dependencies",
                                         "contains",
                                         "minContains",
                                         "maxContains",
                                         "patternProperties",
                                         "propertyNames",
                                         "multipleOf",
                                         "uniqueItems",
                                         "$dynamicRef",
                                         "$recursiveRef",
                                         "additionalItems",
                                         "unevaluatedProperties",
                                         "unevaluatedItems",
                                         "minProperties",
                                         "maxProperties"};

}  // namespace

nlohmann::ordered_json schema_constraints(const nlohmann::ordered_json& schema) {
  nlohmann::ordered_json kept = nlohmann::ordered_json::object();
  for (const auto& [key, value] : schema.items()) {
    if (key == "uniqueItems" && value == false) continue;
    if (std::find(std::begin(kRefused), std::end(kRefused), key) != std::end(kRefused)) {
      throw Error(Errc::grammar, fmt::format("schema: \"{}\" is not supported", key));
    }
    const bool honoured = std::any_of(std::begin(kHonoured), std::end(kHonoured),
                                      [&name = key](const Keyword& keyword) { return keyword.name == name; });
    if (honoured) kept[key] = value;
  }
  return kept;
}

std::string_view implied_type(const nlohmann::ordered_json& schema) {
  for (const Keyword& keyword : kHonoured) {
    if (!keyword.type.empty() && schema.contains(keyword.name)) return keyword.type;
  }
  return "";
}

}  // namespace longhand
