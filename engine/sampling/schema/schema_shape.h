// What the keywords of one or several JSON schemas, all of which hold, ask of a value.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sampling/grammar/grammar.h"
#include "engine/sampling/schema/number_text.h"

namespace longhand {

using Json = nlohmann::ordered_json;
/// Schemas that all hold. None: any value.
using Schemas = std::vector<const Json*>;

/// Bits for the types of JSON; numbers are integers or fractions.
enum SchemaType : unsigned {
  kNullType = 1,
  kBooleanType = 2,
  kIntegerType = 4,
  kFractionType = 8,
  kNumberType = kIntegerType | kFractionType,
  kStringType = 16,
  kArrayType = 32,
  kObjectType = 64,
  kEveryType = 127,
};
/// Of "string" and the like. Throws Error (grammar) for other names.
unsigned schema_type(std::string_view name);
unsigned type_of(const Json& value);

/// The texts of patterns, each worked out once.
class PatternTexts {
 public:
  /// Texts in which `pattern` is found. Throws Error (grammar).
  const TextAutomaton& of(const std::string& pattern);

 private:
  std::map<std::string, TextAutomaton> known_;
};

struct SchemaShape {
  struct Count {
    std::uint32_t min = 0, max = kNoLimit;
  };
  struct PatternRule {
    std::string pattern;
    bool wanted = true;
  };
  /// "prefixItems" and "items" of one schema.
  struct ItemRule {
    Schemas prefix{};
    const Json* items = nullptr;
  };
  struct ContainsRule {
    const Json* schema = nullptr;
    Count count{};
  };
  /// "properties", "patternProperties" and "additionalProperties" of one schema.
  struct PropertyRule {
    const Json* properties = nullptr;
    const Json* patterns = nullptr;
    const Json* additional = nullptr;
  };

  unsigned types = kEveryType;
  unsigned spoken_of = 0;  // types that any keyword has to do with
  bool typed = false;      // whether a keyword names types
  std::optional<std::vector<Json>> values{};
  NumberBounds numbers{};
  std::vector<std::string> not_texts{};
  std::vector<PatternRule> patterns{};
  std::vector<std::string> formats{};
  Count length{}, items{}, properties{};
  std::vector<ItemRule> item_rules{};
  std::vector<ContainsRule> contains{};
  bool unique = false;
  const Json* unevaluated_items = nullptr;
  std::vector<PropertyRule> property_rules{};
  Schemas names{};
  const Json* unevaluated = nullptr;
  std::vector<std::string> required{};

  /// Types that are left. Without a keyword that names types they are those that keywords speak of.
  unsigned possible_types() const noexcept;
  bool requires_name(std::string_view name) const;
  /// The schemas of property `name`; nothing if no rule knows it.
  std::optional<Schemas> property(const std::string& name, PatternTexts& patterns) const;
  /// The schemas of item `index`.
  Schemas item(std::size_t index) const;
};

/// Adds what `schema` asks by keywords that stand for themselves: all but $ref, allOf, anyOf, oneOf, not, if
/// and dependencies. `schema` must outlive `shape`. Throws Error (grammar) or nlohmann::json::exception for
/// values that a keyword cannot have.
void absorb_keywords(SchemaShape& shape, const Json& schema);

/// Keywords that only negations have: texts a string must not be, a pattern it must not match, and a number
/// it must not be a multiple of.
inline constexpr const char* kNotTexts = "longhand:notTexts";
inline constexpr const char* kNotPattern = "longhand:notPattern";
inline constexpr const char* kNotMultipleOf = "longhand:notMultipleOf";

/// Whether `keyword` is one that absorb_keywords() knows.
bool is_plain_keyword(std::string_view keyword);

/// The number as an exact decimal. Throws Error (grammar).
Decimal decimal_of(const Json& number);

}  // namespace longhand
