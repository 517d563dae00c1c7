#include "engine/sampling/schema/spelling.h"

#include <algorithm>

#include "engine/sampling/grammar/gbnf_text.h"

namespace longhand {

ArgumentText argument_text(SchemaSet& schemas, const Schemas& all) {
  unsigned types = 0;
  for (const SchemaShape& shape : schemas.shapes(all)) {
    if (!shape.values) {
      types |= shape.possible_types();
      continue;
    }
    for (const Json& value : *shape.values) {
      if (schemas.satisfies(value, shape)) types |= type_of(value);
    }
  }
  if (types == kStringType) return ArgumentText::raw;
  return (types & kStringType) == 0 ? ArgumentText::json : ArgumentText::mixed;
}

bool looks_like_json(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return false;
  text = text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
  constexpr std::string_view kWords[] = {"true", "false", "null", "True", "False", "None"};
  return std::string_view("\"[{-0123456789").find(text.front()) != std::string_view::npos ||
         std::ranges::find(kWords, text) != std::end(kWords);
}

bool is_bare_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-.$").find(c) != std::string_view::npos;
  });
}

// Values of an enumeration are as deep as the schema's reader allowed.
std::string spelled(const Json& value, const Spelling& spelling) {
  if (spelling.is_json()) return gbnf_literal(value.dump());
  if (value.is_null()) return gbnf_literal(spelling.null);
  if (value.is_boolean()) return gbnf_literal(value.get<bool>() ? spelling.yes : spelling.no);
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (!spelling.text.raw) return gbnf_literal(value.dump());
    return spelling.text.before + " " + gbnf_literal(text) + " " + spelling.text.after;
  }
  if (!value.is_structured()) return gbnf_literal(value.dump());
  std::string out = value.is_array() ? R"("[")" : R"("{")";
  bool first = true;
  for (const auto& [name, item] : value.items()) {
    out += first ? " " : R"( "," )";
    if (value.is_object()) out += gbnf_literal(spelling.bare_names ? name : Json(name).dump()) + R"( ":" )";
    out += spelled(item, spelling);
    first = false;
  }
  return out + (value.is_array() ? R"( "]")" : R"( "}")");
}

}  // namespace longhand
