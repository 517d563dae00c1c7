// How the texts of a schema's grammar write values: as JSON, or as one of the ways models write the arguments
// of a call.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "engine/sampling/schema/schema_set.h"

namespace longhand {

/// Elements of GBNF around a string.
struct TextSpelling {
  std::string before = R"("\"")", after = R"("\"")";
  bool raw = false;           ///< its characters stand for themselves, without escapes
  std::string excluded = {};  ///< raw: a text that must not be inside, because it ends the string
};

/// How a member of the outermost object is written that has a TextSpelling of its own.
enum class ArgumentText {
  raw,   ///< a string
  json,  ///< JSON
  mixed  ///< a string that does not look like JSON as it is, everything else as JSON
};

/// The members of the outermost object. Elements of GBNF; empty: nothing.
struct MemberSpelling {
  std::string begin = {}, after_name = {}, end = {}, separator = {};
  std::string after_name_of_text = {};    ///< in place of after_name where the value is raw; empty: the same
  std::optional<TextSpelling> text = {};  ///< of raw strings; none: all are written as elsewhere
  std::function<ArgumentText(const std::string& name)> kind = {};  ///< of each member, with `text`
};

struct Spelling {
  std::string null = "null", yes = "true", no = "false";
  TextSpelling text = {};
  bool bare_names = false;  ///< names of members are written without quotes
  std::optional<MemberSpelling> arguments = {};

  bool is_json() const noexcept { return null == "null" && yes == "true" && !text.raw && !bare_names; }
};

/// Of a value that all of `all` hold for.
ArgumentText argument_text(SchemaSet& schemas, const Schemas& all);

/// Whether a raw string could be taken for a JSON value.
bool looks_like_json(std::string_view text);
/// The texts that do, as a pattern for automata.
inline constexpr std::string_view kLooksLikeJson =
    R"(^[ \t\r\n]*(["\[{\-0-9]|(true|false|null|True|False|None)[ \t\r\n]*$))";

/// A name of a member that can be written without quotes: of letters, digits, '_', '-', '.' and '$'.
bool is_bare_name(std::string_view name);

/// The value as one line, as `spelling` writes it beside the outermost object: a GBNF element.
std::string spelled(const Json& value, const Spelling& spelling);

}  // namespace longhand
