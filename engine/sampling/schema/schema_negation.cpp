// JSON schemas turned round, for "not" and "if".
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "engine/sampling/schema/schema_set.h"
#include "ops/error.h"

namespace longhand {
namespace {

using Reference = std::function<std::string(const Json&)>;

// Alternatives, one of which holds where a keyword does not.
class Negation {
 public:
  Negation(const Json& schema, const Reference& reference_to)
      : schema_(schema), reference_to_(reference_to) {}

  Json write() {
    if (schema_.is_boolean()) return !schema_.get<bool>();
    if (!schema_.is_object()) throw Error(Errc::grammar, "a part is neither object nor boolean");
    for (const auto& [key, value] : schema_.items()) negate(key, value);
    if (ways_.empty()) return false;
    return ways_.size() == 1 ? std::move(ways_.front()) : Json{{"anyOf", std::move(ways_)}};
  }

 private:
  using Method = void (Negation::*)(const Json& value);
  struct Keyword {
    std::string_view name;
    Method method;
  };

  void add(Json way) { ways_.push_back(std::move(way)); }
  void add(std::string_view type, const char* key, Json value) {
    add({{"type", std::string(type)}, {key, std::move(value)}});
  }
  Json same(const Json& part) const { return {{"$ref", reference_to_(part)}}; }
  Json other(const Json& part) const { return {{"not", same(part)}}; }
  bool strict(const char* key) const { return schema_.contains(key) && schema_[key] == true; }

  void negate(const std::string& key, const Json& value);
  [[noreturn]] void refuse(const Json&) {
    throw Error(Errc::grammar, "there is no grammar of \"not\" over this");
  }
  void nothing(const Json&) {}

  void type(const Json& value) {
    unsigned types = 0;
    for (const Json& name : value.is_array() ? value : Json::array({value}))
      types |= schema_type(name.get_ref<const std::string&>());
    Json others = Json::array();
    for (const char* name : {"null", "boolean", "number", "string", "array", "object"}) {
      if ((types & schema_type(name)) == 0) others.push_back(name);
    }
    if (!others.empty()) add({{"type", others}});
    if ((types & kNumberType) == kIntegerType) add("number", kNotMultipleOf, 1);
  }
  void constant(const Json& value) { values(Json::array({value})); }
  void values(const Json& list);
  void minimum(const Json& value) {
    add("number", strict("exclusiveMinimum") ? "maximum" : "exclusiveMaximum", value);
  }
  void maximum(const Json& value) {
    add("number", strict("exclusiveMaximum") ? "minimum" : "exclusiveMinimum", value);
  }
  void over(const Json& value) {
    if (!value.is_boolean()) add("number", "maximum", value);
  }
  void under(const Json& value) {
    if (!value.is_boolean()) add("number", "minimum", value);
  }
  void multiple(const Json& value) { add("number", kNotMultipleOf, value); }
  void no_multiple(const Json& value) { add("number", "multipleOf", value); }
  void pattern(const Json& value) { add("string", kNotPattern, value); }
  void no_pattern(const Json& value) { add("string", "pattern", value); }
  void no_texts(const Json& value) { add({{"enum", value}}); }
  void fewer(std::string_view type, const char* key, const Json& value) {
    if (value.get<double>() >= 1) add(type, key, value.get<std::uint64_t>() - 1);
  }
  void more(std::string_view type, const char* key, const Json& value) {
    add(type, key, value.get<std::uint64_t>() + 1);
  }
  void min_length(const Json& value) { fewer("string", "maxLength", value); }
  void max_length(const Json& value) { more("string", "minLength", value); }
  void min_items(const Json& value) { fewer("array", "maxItems", value); }
  void max_items(const Json& value) { more("array", "minItems", value); }
  void min_properties(const Json& value) { fewer("object", "maxProperties", value); }
  void max_properties(const Json& value) { more("object", "minProperties", value); }
  void items(const Json& value) {
    if (value.is_array() || schema_.contains("prefixItems")) refuse(value);
    if (value != true) add("array", "contains", other(value));
  }
  void contains(const Json& value) {
    if (schema_.contains("minContains") || schema_.contains("maxContains")) refuse(value);
    add("array", "items", other(value));
  }
  void unless_true(const Json& value) {
    if (value != true && value != Json::object()) refuse(value);
  }
  void unless_false(const Json& value) {
    if (value != false) refuse(value);
  }
  void unless_empty(const Json& value) {
    if (!value.empty()) refuse(value);
  }
  void required(const Json& value) {
    for (const Json& name : value)
      add({{"type", "object"}, {"properties", {{name.get<std::string>(), false}}}});
  }
  void properties(const Json& value) {
    for (const auto& [name, part] : value.items()) {
      if (part != true)
        add({{"type", "object"}, {"required", Json::array({name})}, {"properties", {{name, other(part)}}}});
    }
  }
  void any_of(const Json& value) {
    Json all = Json::array();
    for (const Json& part : value) all.push_back(other(part));
    add({{"allOf", std::move(all)}});
  }
  void all_of(const Json& value) {
    for (const Json& part : value) add(other(part));
  }
  void negation(const Json& value) { add(same(value)); }
  void reference(const Json& value) { add({{"not", {{"$ref", value}}}}); }
  void condition(const Json& value) {
    if (schema_.contains("then")) add({{"allOf", Json::array({same(value), other(schema_["then"])})}});
    if (schema_.contains("else")) add({{"allOf", Json::array({other(value), other(schema_["else"])})}});
  }

  static const Keyword kKeywords[];

  const Json& schema_;
  const Reference& reference_to_;
  Json ways_ = Json::array();
};

const Negation::Keyword Negation::kKeywords[] = {
    {"type", &Negation::type},
    {"enum", &Negation::values},
    {"const", &Negation::constant},
    {"minimum", &Negation::minimum},
    {"maximum", &Negation::maximum},
    {"exclusiveMinimum", &Negation::over},
    {"exclusiveMaximum", &Negation::under},
    {"multipleOf", &Negation::multiple},
    {kNotMultipleOf, &Negation::no_multiple},
    {"minLength", &Negation::min_length},
    {"maxLength", &Negation::max_length},
    {"pattern", &Negation::pattern},
    {kNotPattern, &Negation::no_pattern},
    {kNotTexts, &Negation::no_texts},
    {"minItems", &Negation::min_items},
    {"maxItems", &Negation::max_items},
    {"items", &Negation::items},
    {"prefixItems", &Negation::unless_empty},
    {"contains", &Negation::contains},
    {"uniqueItems", &Negation::unless_false},
    {"unevaluatedItems", &Negation::unless_true},
    {"properties", &Negation::properties},
    {"required", &Negation::required},
    {"patternProperties", &Negation::unless_empty},
    {"additionalProperties", &Negation::unless_true},
    {"unevaluatedProperties", &Negation::unless_true},
    {"propertyNames", &Negation::unless_true},
    {"minProperties", &Negation::min_properties},
    {"maxProperties", &Negation::max_properties},
    {"anyOf", &Negation::any_of},
    {"oneOf", &Negation::any_of},
    {"allOf", &Negation::all_of},
    {"not", &Negation::negation},
    {"$ref", &Negation::reference},
    {"if", &Negation::condition},
    {"dependencies", &Negation::unless_empty},
    {"dependentRequired", &Negation::unless_empty},
    {"dependentSchemas", &Negation::unless_empty},
    {"nullable", &Negation::unless_false},
};

void Negation::negate(const std::string& key, const Json& value) {
  const auto* found = std::find_if(std::begin(kKeywords), std::end(kKeywords),
                                   [&](const Keyword& keyword) { return keyword.name == key; });
  if (found == std::end(kKeywords)) return;
  try {
    (this->*found->method)(value);
  } catch (const Error&) {
    throw Error(Errc::grammar, fmt::format("\"not\" over \"{}\" is not supported", key));
  }
}

// All other types, and of the listed ones what else they have.
void Negation::values(const Json& list) {
  unsigned types = 0;
  std::vector<Json> numbers;
  Json texts = Json::array();
  Json truths = Json::array({false, true});
  for (const Json& value : list) {
    types |= type_of(value);
    if (value.is_number()) numbers.push_back(value);
    if (value.is_string()) texts.push_back(value);
    if (value.is_structured() && !value.empty()) refuse(value);
    const auto truth = std::find(truths.begin(), truths.end(), value);
    if (truth != truths.end()) truths.erase(truth);
  }
  Json others = Json::array();
  for (const char* name : {"null", "boolean", "number", "string", "array", "object"}) {
    if ((types & schema_type(name)) == 0) others.push_back(name);
  }
  if (!others.empty()) add({{"type", others}});
  if ((types & kBooleanType) != 0 && !truths.empty()) add({{"enum", truths}});
  if ((types & kStringType) != 0) add("string", kNotTexts, texts);
  if ((types & kArrayType) != 0) add("array", "minItems", 1);
  if ((types & kObjectType) != 0) add("object", "minProperties", 1);
  std::sort(numbers.begin(), numbers.end());
  for (std::size_t i = 0; i <= numbers.size() && !numbers.empty(); ++i) {
    Json between = {{"type", "number"}};
    if (i > 0) between["exclusiveMinimum"] = numbers[i - 1];
    if (i < numbers.size()) between["exclusiveMaximum"] = numbers[i];
    add(std::move(between));
  }
}

}  // namespace

Json negated_schema(const Json& schema, const Reference& reference_to) {
  return Negation(schema, reference_to).write();
}

}  // namespace longhand
