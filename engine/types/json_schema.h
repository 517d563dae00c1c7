// JSON schemas as GBNF grammars.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ops/error.h"

namespace longhand {

struct SchemaGrammar {
  std::string gbnf;                // for SamplerOptions::grammar
  std::vector<std::string> notes;  // what the grammar does not hold texts to, and where the schema says it
  bool satisfiable = true;         // false: the grammar accepts no text at all
};

/// A grammar whose texts are JSON documents that satisfy the schema `json`; "{}" is any JSON.
///
/// Not every document that satisfies the schema is one of the grammar's: properties come in the schema's
/// order, an object with properties has no others unless additionalProperties or patternProperties say so,
/// a tuple has no more items than it lists unless more are asked for, and white space is short. Formats other
/// than date, time, date-time and uuid are annotations. oneOf means anyOf.
///
/// Throws Error (grammar) for text that is no JSON schema, for what a grammar cannot hold (with the path of
/// the property; `lenient`: that becomes a note), and for schemas whose grammar would be too large.
LONGHAND_API SchemaGrammar schema_grammar(std::string_view json, bool lenient = false);

/// The same as text. Throws Error (grammar) also where nothing satisfies the schema.
LONGHAND_API std::string json_schema_to_gbnf(std::string_view json);

}  // namespace longhand
