// The functions that a caller offers to a model.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sampling/schema/spelling.h"

namespace longhand {

/// A class, because what the standard library makes of an enumeration would be seen from outside.
struct ArgumentKind {
  ArgumentText text;
};

struct Tool {
  std::string name;
  Json function;    ///< {"name", "description", "parameters"} as the caller gave it
  Json parameters;  ///< the schema of an object
  /// How arguments are written that have a text of their own; those not listed are mixed.
  std::map<std::string, ArgumentKind> kinds = {};

  ArgumentText kind(const std::string& argument) const;
};

/// In one line, what is no UTF-8 replaced.
std::string dumped(const Json& json);
/// Throws Error: type, range, grammar as the public ToolSet says.
std::vector<Tool> read_tools(std::string_view json);
/// They in the form of OpenAI, as templates want them; empty: none.
std::string tools_json(const std::vector<Tool>& tools);

/// Letters, digits, '_', '-' and '.'.
bool is_tool_name_character(char c);
inline constexpr std::size_t kMaxToolName = 128;

}  // namespace longhand
