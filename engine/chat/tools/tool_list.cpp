#include "engine/chat/tools/tool_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/error.h"

namespace longhand {
namespace {

constexpr int kMaxNesting = 512;  // of the JSON of tools
constexpr std::size_t kMaxTools = 1024;

Json parsed(std::string_view json) {
  const auto limit_depth = [](int depth, Json::parse_event_t, Json&) {
    if (depth > kMaxNesting) throw Error(Errc::type, fmt::format("tools nest deeper than {}", kMaxNesting));
    return true;
  };
  try {
    return Json::parse(json.begin(), json.end(), limit_depth);
  } catch (const Json::exception& error) { throw Error(Errc::type, fmt::format("tools: {}", error.what())); }
}

// The schema says that it is one of an object, and without properties there are no arguments.
Json parameters_of(const Json& function) {
  Json schema = {{"type", "object"}, {"properties", Json::object()}};
  if (const auto given = function.find("parameters"); given != function.end() && !given->is_null()) {
    if (!given->is_object())
      throw Error(Errc::type,
                  fmt::format("tools: parameters of {} must be an object", function["name"].dump()));
    if (!given->empty()) schema = *given;
  }
  const auto type = schema.find("type");
  const bool object = type == schema.end() || *type == "object" ||
                      (type->is_array() && std::find(type->begin(), type->end(), "object") != type->end());
  if (!object) {
    throw Error(Errc::grammar,
                fmt::format("tools: parameters of {} must be those of an object", function["name"].dump()));
  }
  schema["type"] = "object";
  const auto properties = schema.find("properties");
  if (properties != schema.end() && properties->is_object() && properties->empty() &&
      !schema.contains("additionalProperties"))
    schema["additionalProperties"] = false;
  return schema;
}

std::map<std::string, ArgumentKind> kinds_of(const std::string& name, const Json& parameters) {
  std::map<std::string, ArgumentKind> kinds;
  try {
    SchemaSet schemas(parameters, true);
    for (const SchemaShape& shape : schemas.shapes({schemas.root()})) {
      for (const auto& rule : shape.property_rules) {
        if (rule.properties == nullptr) continue;
        for (const auto& [property, schema] : rule.properties->items()) {
          const auto all = shape.property(property, schemas.patterns).value_or(Schemas());
          const ArgumentText kind = argument_text(schemas, all);
          const auto [entry, fresh] = kinds.try_emplace(property, ArgumentKind{kind});
          if (!fresh && entry->second.text != kind) entry->second.text = ArgumentText::mixed;
        }
      }
    }
  } catch (const Json::exception& error) {
    throw Error(Errc::grammar, fmt::format("tools: parameters of {}: {}", name, error.what()));
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("tools: parameters of {}: {}", name, plain_message(error)));
  }
  return kinds;
}

Tool read_tool(const Json& entry) {
  if (!entry.is_object()) throw Error(Errc::type, "tools: each must be an object");
  const auto inner = entry.find("function");
  const Json& function = inner != entry.end() ? *inner : entry;
  const auto name = function.is_object() ? function.find("name") : function.end();
  if (!function.is_object() || name == function.end() || !name->is_string())
    throw Error(Errc::type, "tools: each must be a function with a name");
  Tool tool{*name, function, {}};
  const bool good = !tool.name.empty() && tool.name.size() <= kMaxToolName &&
                    std::ranges::all_of(tool.name, is_tool_name_character);
  if (!good) {
    throw Error(Errc::range, fmt::format("tools: the name \"{}\" must be 1 to {} letters, digits, _ - or .",
                                         escape_controls(tool.name, 60), kMaxToolName));
  }
  tool.parameters = parameters_of(function);
  tool.kinds = kinds_of(tool.name, tool.parameters);
  return tool;
}

}  // namespace

bool is_tool_name_character(char c) { return is_bare_name(std::string_view(&c, 1)) && c != '$'; }

ArgumentText Tool::kind(const std::string& argument) const {
  const auto found = kinds.find(argument);
  return found == kinds.end() ? ArgumentText::mixed : found->second.text;
}

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::vector<Tool> read_tools(std::string_view json) {
  std::vector<Tool> tools;
  if (json.find_first_not_of(" \t\r\n") == std::string_view::npos) return tools;
  const Json all = parsed(json);
  if (!all.is_array()) throw Error(Errc::type, "tools: must be a JSON array");
  if (all.size() > kMaxTools)
    throw Error(Errc::range, fmt::format("tools: {}, must be at most {}", all.size(), kMaxTools));
  for (const Json& entry : all) {
    Tool tool = read_tool(entry);
    if (std::ranges::find(tools, tool.name, &Tool::name) != tools.end())
      throw Error(Errc::range, fmt::format("tools: several of the name {}", tool.name));
    tools.push_back(std::move(tool));
  }
  return tools;
}

std::string tools_json(const std::vector<Tool>& tools) {
  if (tools.empty()) return "";
  Json all = Json::array();
  for (const Tool& tool : tools) all.push_back({{"type", "function"}, {"function", tool.function}});
  return dumped(all);
}

}  // namespace longhand
