// Writes the rules of a grammar for JSON schemas.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/sampling/grammar/gbnf_rules.h"
#include "engine/sampling/schema/schema_set.h"
#include "engine/sampling/schema/spelling.h"

namespace longhand {

/// A GBNF element, or a body of a rule; none where no text satisfies the schema.
using GbnfPart = std::optional<std::string>;

class SchemaWriter {
 public:
  /// Writes to `rules`. All must outlive the writer.
  SchemaWriter(SchemaSet& schemas, GbnfRules& rules, const Spelling& spelling)
      : schemas_(schemas), rules_(rules), spelling_(spelling) {}

  /// A rule for values that satisfy all of `all`.
  GbnfPart value(const Schemas& all) { return visit(all, {"schema", 0, Place::value}); }
  /// A rule for the members of an object that satisfies all of `all`, as Spelling::arguments writes them.
  GbnfPart arguments(const Schemas& all) { return visit(all, {"schema", 0, Place::arguments}); }

 private:
  // What decides how a value is spelled.
  enum class Place : std::uint8_t { arguments, text_argument, mixed_argument, value };
  // A place in the document, for messages and the names of rules.
  struct At {
    std::string path;
    int depth = 0;
    Place place = Place::value;
    At below(const std::string& part) const { return {path + part, depth + 1, place}; }
    At inside(const std::string& part, Place within = Place::value) const {
      return {path + part, depth + 1, within};
    }
  };
  struct Known {
    std::string name;
    GbnfPart part{};
    bool done = false, used = false;
  };
  struct Member {
    std::string rule;
    bool required = false;
  };
  // Names that the schema does not list, with the rule of their values.
  struct OtherNames {
    TextAutomaton names;
    SchemaShape::Count length{};
    std::string value;
    Place place = Place::value;
  };

  GbnfPart visit(const Schemas& all, const At& at);
  Schemas settled(const Schemas& all, bool& possible);
  GbnfPart body(const Schemas& all, const At& at);
  GbnfPart shape(const SchemaShape& shape, const At& at);
  GbnfPart of_types(const SchemaShape& shape, const At& at);
  GbnfPart literals(const std::vector<Json>& values, const At& at);

  GbnfPart number(const SchemaShape& shape, unsigned types, const At& at);
  GbnfPart string(const SchemaShape& shape, const At& at);
  GbnfPart json_string(const SchemaShape& shape, const At& at);
  GbnfPart raw_string(const SchemaShape& shape, const At& at);
  const TextSpelling& text_spelling(Place place) const;
  GbnfPart literal(const Json& value, const At& at);
  bool plain_json(const At& at) const { return at.place == Place::value && spelling_.is_json(); }
  std::optional<TextAutomaton> texts(const SchemaShape& shape);

  GbnfPart array(const SchemaShape& shape, const At& at);
  GbnfPart unique_array(const SchemaShape& shape, const std::vector<Json>& values);
  std::optional<std::vector<Json>> finite(const Schemas& all);
  GbnfPart array_with(const SchemaShape& shape, const SchemaShape::ContainsRule& contains, const At& at);

  GbnfPart object(const SchemaShape& shape, const At& at);
  std::optional<std::vector<Member>> members(const SchemaShape& shape, const std::vector<std::string>& names,
                                             const At& at);
  std::vector<OtherNames> others(const SchemaShape& shape, const std::vector<std::string>& names,
                                 const At& at);
  std::optional<Schemas> other_value(const SchemaShape& shape, const std::vector<std::string>& matched);
  Place member_place(const std::string& name, const At& at);
  std::string member_rule(const std::string& name, const std::string& value, const At& at, Place place);
  GbnfPart other_member(const std::vector<OtherNames>& others, const At& at);
  GbnfPart in_order(const std::vector<Member>& members, const GbnfPart& other, SchemaShape::Count count,
                    const At& at);

  std::string comma() { return "\",\" " + rules_.builtin("ws") + " "; }
  std::string separator(const At& at) {
    const bool own = at.place == Place::arguments && spelling_.arguments;
    return own ? spelling_.arguments->separator + " " : comma();
  }

  SchemaSet& schemas_;
  GbnfRules& rules_;
  const Spelling& spelling_;
  std::map<std::pair<Place, Schemas>, Known> known_;
};

/// `more` as a further alternative of `all`.
void add_alternative(GbnfPart& all, const GbnfPart& more);

}  // namespace longhand
