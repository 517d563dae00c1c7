#include "engine/grammar/json_schema_merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "ops/error.h"

namespace longhand {
namespace {

using Json = nlohmann::ordered_json;

bool one_of(std::string_view key, std::initializer_list<std::string_view> keys) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

Json as_list(const Json& value) { return value.is_array() ? value : Json::array({value}); }

bool holds(const Json& list, const Json& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

Json intersection(std::string_view key, const Json& a, const Json& b) {
  Json both = Json::array();
  for (const Json& value : as_list(a)) {
    if (holds(as_list(b), value)) both.push_back(value);
    const bool narrower = key == "type" && value == "integer" && holds(as_list(b), "number");
    const bool wider = key == "type" && value == "number" && holds(as_list(b), "integer");
    if (narrower || wider) both.push_back("integer");
  }
  if (both.empty()) throw Error(Errc::grammar, fmt::format("schema: allOf leaves no possible \"{}\"", key));
  return both;
}

Json merged_properties(const Json& a, const Json& b) {
  Json all = a;
  for (const auto& [name, schema] : b.items()) {
    all[name] = all.contains(name) ? Json{{"allOf", Json::array({all[name], schema})}} : schema;
  }
  return all;
}

// `closed` says what other properties look like; then `open` must not bring such.
void check_closed(const Json& closed, const Json& open) {
  const auto rule = closed.find("additionalProperties");
  if (rule == closed.end() || *rule == true || !open.contains("properties")) return;
  for (const auto& [name, schema] : open["properties"].items()) {
    if (closed.contains("properties") && closed["properties"].contains(name)) continue;
    throw Error(Errc::grammar,
                fmt::format("schema: allOf: additionalProperties of one part excludes \"{}\"", name));
  }
}

}  // namespace

Json merge_schemas(const Json& a, const Json& b) {
  if (a == true) return b;
  if (b == true) return a;
  if (!a.is_object() || !b.is_object()) throw Error(Errc::grammar, "schema: a part of allOf matches nothing");
  check_closed(a, b);
  check_closed(b, a);
  Json all = a;
  for (const auto& [key, value] : b.items()) {
    const auto mine = all.find(key);
    if (mine == all.end()) {
      all[key] = value;
    } else if (*mine == value || one_of(key, {"title", "description", "$schema", "$id", "$defs",
                                              "definitions", "default", "examples", "$comment"})) {
      continue;
    } else if (key == "properties") {
      all[key] = merged_properties(*mine, value);
    } else if (key == "required") {
      for (const Json& name : value) {
        if (!holds(*mine, name)) mine->push_back(name);
      }
    } else if (one_of(key, {"type", "enum"})) {
      all[key] = intersection(key, *mine, value);
    } else if (one_of(key, {"minimum", "exclusiveMinimum", "minLength", "minItems"})) {
      all[key] = std::max(*mine, value);
    } else if (one_of(key, {"maximum", "exclusiveMaximum", "maxLength", "maxItems"})) {
      all[key] = std::min(*mine, value);
    } else {
      throw Error(Errc::grammar,
                  fmt::format("schema: allOf gives \"{}\" twice, which is not supported", key));
    }
  }
  return all;
}

}  // namespace longhand
