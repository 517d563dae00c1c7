// JSON schemas as GBNF grammars.
#pragma once

#include <string>
#include <string_view>

namespace longhand {

/// A grammar whose texts are JSON documents that satisfy the schema `json`; "{}" is any JSON.
///
/// Knows type, enum, const, anyOf, oneOf (as anyOf), allOf, local $ref, properties, required,
/// additionalProperties, items, prefixItems, minItems, maxItems, minLength, maxLength, pattern, format (date,
/// time, date-time, uuid; others are notes), and minimum, maximum, exclusiveMinimum, exclusiveMaximum of
/// integers. Not every document that satisfies the schema is one of the grammar's: properties come in the
/// schema's order, an object with properties has no others unless additionalProperties says so, and white
/// space is short. Throws Error (grammar) for text that is no JSON, for impossible schemas, and for keywords
/// it cannot honour.
std::string json_schema_to_gbnf(std::string_view json);

}  // namespace longhand
