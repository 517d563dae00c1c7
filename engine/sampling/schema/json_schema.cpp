#include "engine/types/json_schema.h"

#include <fmt/format.h>

#include "engine/sampling/grammar/gbnf_text.h"
#include "engine/sampling/schema/schema_writer.h"
#include "ops/error.h"

namespace longhand {

SchemaGrammar schema_grammar(std::string_view json, bool lenient) {
  std::string failure;
  try {
    SchemaSet schemas(parse_schema(json), lenient);
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
