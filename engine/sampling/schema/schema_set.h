// The schemas of a document, and which shapes a value may have under several of them.
#pragma once

#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sampling/schema/schema_shape.h"

namespace longhand {

/// A document that holds a schema. Throws Error (grammar): it nests too deep; Json::exception: it is no JSON.
Json parse_schema(std::string_view json);

class SchemaSet {
 public:
  /// `lenient`: what cannot be held is noted instead of refused.
  SchemaSet(Json root, bool lenient);

  const Json* root() const noexcept { return &root_; }
  /// The schema that one of nothing but a $ref stands for. Throws Error (grammar) for a $ref to itself.
  const Json* target(const Json* schema);
  /// What a value must look like, in one of these ways. None: no value.
  std::vector<SchemaShape> shapes(const Schemas& all);
  bool satisfies(const Json& value, const Schemas& all);
  bool satisfies(const Json& value, const SchemaShape& shape);
  /// The branches of a "oneOf", each without what another one takes too, as far as that can be said.
  Schemas parted(const Schemas& branches);
  /// Keeps a schema as long as the set lives.
  const Json* keep(Json schema) { return &made_.emplace_back(std::move(schema)); }

  /// Something no grammar holds a text to: throws Error (grammar) with the path, unless lenient.
  void refuse(const std::string& what);
  void note(const std::string& what);
  const std::vector<std::string>& notes() const noexcept { return notes_; }
  /// Where in the document shapes are asked for, for messages.
  void set_path(std::string path) { path_ = std::move(path); }
  const std::string& path() const noexcept { return path_; }

  PatternTexts patterns;

 private:
  using Shapes = std::vector<SchemaShape>;
  const Json& lookup(const std::string& ref);
  void conjoin(Shapes& shapes, const Json& schema, int depth);
  void conjoin_keyword(Shapes& shapes, const Json& schema, const std::string& key, int depth);
  void conjoin_condition(Shapes& shapes, const Json& schema, int depth);
  void conjoin_dependency(Shapes& shapes, const std::string& name, const Json& needs, int depth);
  void choose(Shapes& shapes, const Schemas& branches, int depth);
  const Json* negated(const Json* schema);
  const Json* without(const Json* branch, const Json* other);
  std::string reference_to(const Json* schema);
  void spend(std::size_t work);

  bool satisfies_array(const Json& value, const SchemaShape& shape);
  bool satisfies_object(const Json& value, const SchemaShape& shape);

  Json root_;
  bool lenient_;
  std::deque<Json> made_;
  std::map<std::string, const Json*> places_;  // by $ref
  std::map<const Json*, const Json*> negations_;
  std::vector<std::string> notes_;
  std::string path_ = "schema";
  std::size_t work_ = 0;
};

/// The schema of all values that do not satisfy `schema`, or of some of them where a grammar does no better.
/// `reference_to` gives a $ref to a part. Throws Error (grammar) where there is no such schema.
Json negated_schema(const Json& schema, const std::function<std::string(const Json&)>& reference_to);

/// Without the code in brackets.
std::string plain_message(const std::exception& error);

}  // namespace longhand
