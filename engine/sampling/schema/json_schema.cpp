#include "engine/types/json_schema.h"

#include <fmt/format.h>

#include "engine/sampling/grammar/gbnf_text.h"
#include "engine/sampling/schema/schema_writer.h"
#include "ops/error.h"

namespace longhand {
namespace {

constexpr int kMaxNesting = 512;  // of the document that holds the schema

Json parsed(std::string_view json) {
  const auto limit_depth = [](int depth, Json::parse_event_t, Json&) {
    if (depth > kMaxNesting) throw Error(Errc::grammar, fmt::format("it nests deeper than {}", kMaxNesting));
    return true;
  };
  return Json::parse(json.begin(), json.end(), limit_depth);
}

}  // namespace

SchemaGrammar schema_grammar(std::string_view json, bool lenient) {
  std::string failure;
  try {
    SchemaSet schemas(parsed(json), lenient);
    GbnfRules rules;
    const Spelling json_alone;
    const GbnfPart start = SchemaWriter(schemas, rules, json_alone).value({schemas.root()});
    SchemaGrammar out{rules.text(start.value_or(std::string(kNothing))), schemas.notes(), start.has_value()};
    if (out.gbnf.size() <= kMaxGrammarBytes) return out;
    failure = fmt::format("its grammar has {} bytes, must be at most {}", out.gbnf.size(), kMaxGrammarBytes);
  } catch (const Error& error) {
    failure = plain_message(error);
  } catch (const nlohmann::json::exception& error) { failure = error.what(); }
  throw Error(Errc::grammar, failure.starts_with("schema") ? failure : "schema: " + failure);
}

std::string json_schema_to_gbnf(std::string_view json) {
  SchemaGrammar made = schema_grammar(json);
  if (!made.satisfiable) throw Error(Errc::grammar, "schema: no value satisfies it");
  return std::move(made.gbnf);
}

}  // namespace longhand
