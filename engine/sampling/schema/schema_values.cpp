// Whether a value satisfies JSON schemas.
#include <algorithm>

#include "engine/sampling/schema/schema_set.h"
#include "engine/text/code_points.h"
#include "ops/error.h"

namespace longhand {
namespace {

bool within(std::size_t count, const SchemaShape::Count& bounds) {
  return count >= bounds.min && (bounds.max == kNoLimit || count <= bounds.max);
}

std::size_t characters(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) {
    if (!take_utf8(text)) return count;
  }
  return count;
}

bool satisfies_number(const Json& value, const NumberBounds& bounds) {
  const bool free = bounds.at_least.empty() && bounds.at_most.empty() && bounds.multiples_of.empty() &&
                    bounds.no_multiples_of.empty();
  if (free) return true;
  const Decimal exact = decimal_of(value);
  std::string text = (exact.negative ? "-" : "") + exact.integer_digits();
  if (exact.scale > 0) text += "." + exact.fraction_digits();
  return accepts(number_texts(bounds), text);
}

bool satisfies_text(const std::string& text, const SchemaShape& shape, PatternTexts& patterns) {
  const auto& excluded = shape.not_texts;
  return within(characters(text), shape.length) &&
         std::find(excluded.begin(), excluded.end(), text) == excluded.end() &&
         std::all_of(shape.patterns.begin(), shape.patterns.end(), [&](const SchemaShape::PatternRule& rule) {
           return accepts(patterns.of(rule.pattern), text) == rule.wanted;
         });
}

}  // namespace

bool SchemaSet::satisfies_array(const Json& value, const SchemaShape& shape) {
  if (!within(value.size(), shape.items)) return false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!satisfies(value[i], shape.item(i))) return false;
    const auto before = value.begin() + std::ptrdiff_t(i);
    if (shape.unique && std::find(value.begin(), before, value[i]) != before) return false;
  }
  return std::all_of(shape.contains.begin(), shape.contains.end(),
                     [&](const SchemaShape::ContainsRule& rule) {
                       const auto count = std::count_if(value.begin(), value.end(), [&](const Json& item) {
                         return satisfies(item, Schemas{rule.schema});
                       });
                       return within(std::size_t(count), rule.count);
                     });
}

bool SchemaSet::satisfies_object(const Json& value, const SchemaShape& shape) {
  if (!within(value.size(), shape.properties)) return false;
  for (const std::string& name : shape.required) {
    if (!value.contains(name)) return false;
  }
  for (const auto& [name, item] : value.items()) {
    if (!satisfies(Json(name), shape.names)) return false;
    if (!satisfies(item, shape.property(name, patterns).value_or(Schemas()))) return false;
  }
  return true;
}

// Recursion follows the value, which is as deep as its reader allowed.
bool SchemaSet::satisfies(const Json& value, const SchemaShape& shape) {
  if ((shape.types & type_of(value)) == 0) return false;
  if (shape.values && std::find(shape.values->begin(), shape.values->end(), value) == shape.values->end())
    return false;
  if (value.is_number()) return satisfies_number(value, shape.numbers);
  if (value.is_string()) return satisfies_text(value.get_ref<const std::string&>(), shape, patterns);
  if (value.is_array()) return satisfies_array(value, shape);
  return !value.is_object() || satisfies_object(value, shape);
}

bool SchemaSet::satisfies(const Json& value, const Schemas& all) {
  if (all.empty()) return true;
  const std::vector<SchemaShape> ways = shapes(all);
  return std::any_of(ways.begin(), ways.end(),
                     [&](const SchemaShape& shape) { return satisfies(value, shape); });
}

}  // namespace longhand
