// Writes the rules of a grammar for JSON schemas.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/sampling/grammar/gbnf_rules.h"
#include "engine/sampling/schema/schema_set.h"

namespace longhand {

/// A GBNF element, or a body of a rule; none where no text satisfies the schema.
using GbnfPart = std::optional<std::string>;

class SchemaWriter {
 public:
  explicit SchemaWriter(SchemaSet& schemas) : schemas_(schemas) {}

  /// A rule for values that satisfy all of `all`.
  GbnfPart value(const Schemas& all) { return visit(all, {"schema", 0}); }
  std::string text(std::string_view start) const { return rules_.text(start); }

 private:
  // A place in the document, for messages and the names of rules.
  struct At {
    std::string path;
    int depth = 0;
    At below(const std::string& part) const { return {path + part, depth + 1}; }
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
  };

  GbnfPart visit(const Schemas& all, const At& at);
  Schemas settled(const Schemas& all, bool& possible);
  GbnfPart body(const Schemas& all, const At& at);
  GbnfPart shape(const SchemaShape& shape, const At& at);
  GbnfPart of_types(const SchemaShape& shape, const At& at);
  GbnfPart literals(const std::vector<Json>& values, const At& at);

  GbnfPart number(const SchemaShape& shape, unsigned types, const At& at);
  GbnfPart string(const SchemaShape& shape, const At& at);
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
  GbnfPart other_member(const std::vector<OtherNames>& others, const At& at);
  GbnfPart in_order(const std::vector<Member>& members, const GbnfPart& other, SchemaShape::Count count,
                    const At& at);

  std::string comma() { return "\",\" " + rules_.builtin("ws") + " "; }

  SchemaSet& schemas_;
  GbnfRules rules_;
  std::map<Schemas, Known> known_;
};

/// `more` as a further alternative of `all`.
void add_alternative(GbnfPart& all, const GbnfPart& more);

}  // namespace longhand
