#include "engine/grammar/json_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/grammar/gbnf_rules.h"
#include "engine/grammar/gbnf_text.h"
#include "engine/grammar/json_pattern.h"
#include "engine/grammar/json_schema_keys.h"
#include "engine/grammar/json_schema_merge.h"
#include "ops/error.h"

namespace longhand {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMaxDepth = 128;  // of schemas in schemas, also through $ref

std::string quoted_json(std::string_view text) { return gbnf_literal(Json(text).dump()); }

bool has_type(const Json& value, std::string_view type) {
  return type == "string"    ? value.is_string()
         : type == "integer" ? value.is_number_integer()
         : type == "number"  ? value.is_number()
         : type == "boolean" ? value.is_boolean()
         : type == "null"    ? value.is_null()
         : type == "array"   ? value.is_array()
                             : type == "object" && value.is_object();
}

class SchemaWriter {
 public:
  explicit SchemaWriter(const Json& root) : root_(root) {}

  std::string write() {
    const std::string start = visit(root_, "root-schema", 0);
    return rules_.text(start);
  }

 private:
  [[noreturn]] static void fail(const std::string& what) { throw Error(Errc::grammar, "schema: " + what); }

  // The rule for a schema.
  std::string visit(const Json& schema, const std::string& hint, int depth) {
    if (depth > kMaxDepth) fail(fmt::format("schemas nest deeper than {}", kMaxDepth));
    if (schema == true) return rules_.builtin("value");
    if (!schema.is_object())
      fail(schema == false ? "a part matches nothing" : "a part is neither object nor boolean");
    const Json own = schema_constraints(schema);
    if (own.empty()) return rules_.builtin("value");
    if (own.size() == 1 && own.contains("$ref")) return reference(own["$ref"].get<std::string>(), depth);
    const Json flat = flatten(own, depth);
    for (const char* key : {"anyOf", "oneOf"}) {
      if (flat.contains(key)) return alternatives(flat, key, hint, depth);
    }
    if (flat.contains("const") || flat.contains("enum")) return rules_.add(hint, literals(flat));
    return typed(flat, hint, depth);
  }

  std::string reference(const std::string& ref, int depth) {
    if (const auto known = references_.find(ref); known != references_.end()) return known->second;
    std::string name = references_[ref] =
        rules_.reserve("ref-" + ref.substr(std::min(ref.rfind('/') + 1, ref.size())));
    const std::string target = visit(lookup(ref), name + "-schema", depth + 1);
    rules_.define(name, target);
    return name;
  }

  const Json& lookup(const std::string& ref) const {
    if (ref.empty() || ref[0] != '#') fail(fmt::format("$ref \"{}\" is not local", ref));
    std::string path;
    for (std::size_t i = 1; i < ref.size(); ++i) {
      if (ref[i] != '%' || i + 2 >= ref.size()) {
        path += ref[i];
        continue;
      }
      path += static_cast<char>(std::stoi(ref.substr(i + 1, 2), nullptr, 16));
      i += 2;
    }
    if (!path.empty() && path[0] != '/') fail(fmt::format("$ref \"{}\" is no path", ref));
    const Json::json_pointer pointer(path);
    if (!root_.contains(pointer)) fail(fmt::format("$ref \"{}\" leads nowhere", ref));
    return root_.at(pointer);
  }

  // Without $ref and allOf.
  Json flatten(const Json& schema, int depth) {
    if (depth > kMaxDepth) fail(fmt::format("schemas nest deeper than {}", kMaxDepth));
    if (!schema.is_object()) return schema;
    Json own = schema_constraints(schema);
    Json parts = Json::array();
    if (own.contains("$ref")) parts.push_back(lookup(own["$ref"].get<std::string>()));
    if (own.contains("allOf")) {
      for (const Json& part : own["allOf"]) parts.push_back(part);
    }
    own.erase("$ref");
    own.erase("allOf");
    for (const Json& part : parts) own = merge_schemas(own, flatten(part, depth + 1));
    return own;
  }

  std::string alternatives(Json common, const std::string& key, const std::string& hint, int depth) {
    const Json branches = common[key];
    common.erase(key);
    if (!branches.is_array() || branches.empty()) fail(key + " must be a list of schemas");
    std::string body;
    int count = 0;
    for (const Json& branch : branches) {
      if (branch == false) continue;
      const std::string part = fmt::format("{}-{}", hint, count++);
      const Json whole = common.empty() ? branch : merge_schemas(common, flatten(branch, depth + 1));
      body += (body.empty() ? "" : " | ") + visit(whole, part, depth + 1);
    }
    if (body.empty()) fail(key + " has no possible branch");
    return rules_.add(hint, body);
  }

  std::string literals(const Json& schema) {
    for (const auto& [key, value] : schema.items()) {
      if (key != "enum" && key != "const" && key != "type")
        fail(fmt::format("\"{}\" beside enum or const", key));
    }
    const Json values = schema.contains("const") ? Json::array({schema["const"]}) : schema["enum"];
    const Json types = type_list(schema);
    std::string body;
    for (const Json& value : values) {
      const bool listed =
          !schema.contains("enum") || !schema.contains("const") ||
          std::find(schema["enum"].begin(), schema["enum"].end(), value) != schema["enum"].end();
      const bool typed = types.empty() || std::any_of(types.begin(), types.end(), [&](const Json& type) {
                           return has_type(value, type.get<std::string>());
                         });
      if (listed && typed) body += (body.empty() ? "" : " | ") + gbnf_literal(value.dump());
    }
    if (body.empty()) fail("enum has no possible value");
    return body;
  }

  static Json type_list(const Json& schema) {
    if (!schema.contains("type")) return Json::array();
    return schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
  }

  std::string typed(const Json& schema, const std::string& hint, int depth) {
    const Json types = type_list(schema);
    if (types.empty()) {
      const auto type = implied_type(schema);
      if (type.empty()) fail("the type is not clear");
      return of_type(std::string(type), schema, hint, depth);
    }
    if (types.size() == 1) return of_type(types[0].get<std::string>(), schema, hint, depth);
    std::string body;
    for (const Json& type : types) {
      const auto name = type.get<std::string>();
      body += (body.empty() ? "" : " | ") + of_type(name, schema, hint + "-" + name, depth);
    }
    return rules_.add(hint, body);
  }

  std::string of_type(const std::string& type, const Json& schema, const std::string& hint, int depth) {
    if (type == "object") return object(schema, hint, depth);
    if (type == "array") return array(schema, hint, depth);
    if (type == "string") return string(schema, hint);
    if (type == "integer") return integer(schema, hint);
    if (type == "number") return number(schema);
    if (type == "boolean" || type == "null") return rules_.builtin(type);
    fail(fmt::format("type \"{}\" is unknown", type));
  }

  std::string string(const Json& schema, const std::string& hint) {
    const bool bounded = schema.contains("minLength") || schema.contains("maxLength");
    const std::string character = rules_.builtin("char");
    if (schema.contains("pattern")) {
      if (bounded) fail("pattern beside minLength or maxLength");
      const std::string inside = pattern_to_gbnf(schema["pattern"].get<std::string>(), character);
      return rules_.add(hint, fmt::format(R"("\"" {} "\"")", inside));
    }
    const std::string format = schema.value("format", "");
    for (const std::string_view known : {"date", "time", "date-time", "uuid"}) {
      if (format != known) continue;
      if (bounded) fail("format beside minLength or maxLength");
      return rules_.add(hint, fmt::format(R"("\"" {} "\"")", rules_.builtin(known)));
    }
    if (!bounded) return rules_.builtin("string");
    return rules_.add(
        hint, fmt::format(R"("\"" {} "\"")", gbnf_repeat(character, std::uint32_t(count(schema, "minLength").value_or(0)),
                                                         count(schema, "maxLength"))));
  }

  static std::optional<int> count(const Json& schema, const char* key) {
    if (!schema.contains(key)) return std::nullopt;
    const auto value = schema[key].get<double>();
    if (!(value >= 0 && value <= 20000))
      fail(fmt::format("{} is {}, must be 0..{}", key, value, 20000));
    return static_cast<int>(value);
  }

  // The bound `key`, or the strict one a step further in; of a boolean exclusive the step applies to `key`
  // (draft 4).
  static std::optional<std::int64_t> bound(const Json& schema, const char* key, const char* strict_key,
                                           int step) {
    constexpr double kLimit = 1e18;  // fits 64 bits
    std::optional<std::int64_t> result;
    const auto narrow = [&](const Json& value, bool strict) {
      const auto x = value.get<double>();
      if (!(std::abs(x) <= kLimit)) fail(fmt::format("{} is {}, must be -1e18..1e18", key, x));
      const double whole = step > 0 ? std::ceil(x) : std::floor(x);
      auto exact = value.is_number_integer() ? value.get<std::int64_t>() : static_cast<std::int64_t>(whole);
      if (strict && whole == x) exact += step;
      if (!result || (exact - *result) * step > 0) result = exact;
    };
    const bool draft4 = schema.contains(strict_key) && schema[strict_key].is_boolean();
    if (schema.contains(key)) narrow(schema[key], draft4 && schema[strict_key] == true);
    if (schema.contains(strict_key) && !draft4) narrow(schema[strict_key], true);
    return result;
  }

  std::string integer(const Json& schema, const std::string& hint) {
    const IntegerRange range{bound(schema, "minimum", "exclusiveMinimum", 1),
                             bound(schema, "maximum", "exclusiveMaximum", -1)};
    if (!range.min && !range.max) return rules_.builtin("integer");
    if (range.min && range.max && *range.min > *range.max) fail("no integer lies within minimum and maximum");
    return rules_.add(hint, gbnf_integer(range));
  }

  std::string number(const Json& schema) {
    for (const char* key : {"maximum", "exclusiveMinimum", "exclusiveMaximum"}) {
      if (schema.contains(key)) fail(fmt::format("\"{}\" of numbers that need not be integers", key));
    }
    if (!schema.contains("minimum")) return rules_.builtin("number");
    if (schema["minimum"] != 0) fail("\"minimum\" other than 0 of numbers that need not be integers");
    return rules_.builtin("positive-number");
  }

  std::string array(const Json& schema, const std::string& hint, int depth) {
    const std::string ws = rules_.builtin("ws");
    const int min = count(schema, "minItems").value_or(0);
    const std::optional<int> max = count(schema, "maxItems");
    if (max && *max < min) fail("minItems is greater than maxItems");
    Json items = schema.contains("items") ? schema["items"] : Json(true);
    Json prefix = schema.contains("prefixItems") ? schema["prefixItems"] : Json::array();
    if (items.is_array()) {  // draft 7
      prefix = items;
      items = true;
    }
    std::vector<std::string> first;
    for (const Json& item : prefix) {
      if (max && first.size() == static_cast<std::size_t>(*max)) break;
      first.push_back(visit(item, fmt::format("{}-{}", hint, first.size()), depth + 1));
    }
    const int fixed = static_cast<int>(first.size());
    // A tuple ends with its own items unless more are asked for.
    const bool tuple_ends =
        fixed > 0 && min <= fixed && (!schema.contains("items") || schema["items"].is_array());
    const bool closed = items == false || tuple_ends || (max && *max == fixed);
    if (closed && min > fixed) fail("minItems asks for more items than there can be");
    const std::string comma = "\",\" " + ws + " ";
    std::string body;
    for (const std::string& item : first) body += (body.empty() ? "" : " " + comma) + item;
    if (!closed) {
      const std::string item = visit(items, hint + "-item", depth + 1);
      const int taken = std::max(fixed, 1);  // a first item has no comma before it
      const std::optional<int> most = max ? std::optional(*max - taken) : std::nullopt;
      const std::string more = gbnf_repeat("(" + comma + item + ")", std::uint32_t(std::max(min - taken, 0)), most);
      body = fixed > 0 ? body + " " + more : min > 0 ? item + " " + more : "(" + item + " " + more + ")?";
    }
    return rules_.add(hint, fmt::format(R"("[" {} {} {} "]")", ws, body, ws));
  }

  struct Member {
    std::string rule;
    bool required;
  };

  std::vector<Member> members(const Json& schema, const Json& additional, const std::string& hint,
                              int depth) {
    const Json properties = schema.contains("properties") ? schema["properties"] : Json::object();
    Json required = schema.contains("required") ? schema["required"] : Json::array();
    std::vector<Member> list;
    const auto add = [&](const std::string& name, const Json& property, bool is_required) {
      const std::string part = hint + "-" + name;
      const std::string value = visit(property, part, depth + 1);
      list.push_back(
          {rules_.add(part + "-kv", fmt::format("{} \":\" ws {}", quoted_json(name), value)), is_required});
    };
    for (const auto& [name, property] : properties.items()) {
      const bool is_required = std::find(required.begin(), required.end(), name) != required.end();
      if (property == false && !is_required) continue;
      add(name, property, is_required);
    }
    for (const Json& name : required) {
      if (!properties.contains(name.get<std::string>())) add(name.get<std::string>(), additional, true);
    }
    return list;
  }

  // first(i): members from i on with none before them; rest(i): the same after another one. One rule each, so
  // that optional members cost no more than others.
  std::string object(const Json& schema, const std::string& hint, int depth) {
    const std::string ws = rules_.builtin("ws");
    const bool listed = schema.contains("properties") && !schema["properties"].empty();
    const bool stated = schema.contains("additionalProperties");
    const Json additional = stated ? schema["additionalProperties"] : Json(true);
    const bool open = stated ? additional != false : !listed;
    const std::vector<Member> list = members(schema, additional, hint, depth);
    const std::string comma = "\",\" " + ws + " ";
    std::string first = "\"\"";
    std::string rest = "\"\"";
    if (open) {
      const std::string key = listed ? other_key(schema["properties"], hint) : rules_.builtin("string");
      const std::string value = visit(additional, hint + "-additional", depth + 1);
      const std::string extra =
          rules_.add(hint + "-additional-kv", fmt::format("{} \":\" {} {}", key, ws, value));
      rest = rules_.add(hint + "-rest", fmt::format("({}{})*", comma, extra));
      first = rules_.add(hint + "-first", fmt::format("({} {})?", extra, rest));
    }
    for (auto member = list.rbegin(); member != list.rend(); ++member) {
      const std::string here = member->rule + " " + rest;
      const std::string after = comma + member->rule;
      first = member->required ? here : rules_.add(hint + "-first", here + " | " + first);
      rest = rules_.add(hint + "-rest",
                        member->required ? after + " " + rest : fmt::format("({})? {}", after, rest));
    }
    return rules_.add(hint, fmt::format(R"("{{" {} {} {} "}}")", ws, first, ws));
  }

  // A key that is none of the properties, as a tree of their common beginnings. Keys are written without
  // escapes, so that none can be spelt in a second way.
  std::string other_key(const Json& properties, const std::string& hint) {
    struct Node {
      std::map<std::uint32_t, std::size_t> next;
      bool taken = false;
    };
    std::vector<Node> nodes(1);
    for (const auto& [name, schema] : properties.items()) {
      std::size_t at = 0;
      for (std::string_view rest = name; !rest.empty();) {
        const std::uint32_t c = take_utf8(rest).value_or(0);
        const auto [child, fresh] = nodes[at].next.try_emplace(c, nodes.size());
        at = child->second;
        if (fresh) nodes.emplace_back();
      }
      nodes[at].taken = true;
    }
    const std::string plain = rules_.add(hint + "-key-char", R"([^"\\\x00-\x1F\x7F])");
    std::vector<std::string> names;
    for (std::size_t i = 0; i < nodes.size(); ++i) names.push_back(rules_.reserve(hint + "-key"));
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      CodePoints excluded = {{0, 0x1F}, {'"', '"'}, {'\\', '\\'}, {0x7F, 0x7F}};
      std::string body;
      for (const auto& [c, child] : nodes[i].next) {
        const bool escaped = c <= 0x1F || c == '"' || c == '\\' || c == 0x7F;
        if (!escaped) body += gbnf_literal(encode_utf8(c)) + " " + names[child] + " | ";
        excluded.emplace_back(c, c);
      }
      body += gbnf_class(normalised(excluded, true)) + " " + plain + "*";
      if (!nodes[i].taken) body += " | \"\"";
      rules_.define(names[i], body);
    }
    return rules_.add(hint + "-other", fmt::format(R"("\"" {} "\"")", names[0]));
  }

  const Json& root_;
  GbnfRules rules_;
  std::map<std::string, std::string> references_;  // rule of each $ref
};

}  // namespace

std::string json_schema_to_gbnf(std::string_view json) {
  try {
    const auto limit_depth = [](int depth, Json::parse_event_t, Json&) {
      if (depth > 4 * kMaxDepth)
        throw Error(Errc::grammar, fmt::format("schema: nests deeper than {}", 4 * kMaxDepth));
      return true;
    };
    const Json schema = Json::parse(json.begin(), json.end(), limit_depth);
    return SchemaWriter(schema).write();
  } catch (const nlohmann::json::exception& error) {
    throw Error(Errc::grammar, fmt::format("schema: {}", error.what()));
  } catch (const std::logic_error& error) {  // of std::stoi
    throw Error(Errc::grammar, fmt::format("schema: bad percent escape in a $ref ({})", error.what()));
  }
}

SchemaGrammar schema_grammar(std::string_view json, bool) { return {json_schema_to_gbnf(json), {}, true}; }

}  // namespace longhand
