#include "engine/sampling/schema/schema_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "engine/sampling/schema/schema_references.h"
#include "ops/error.h"

namespace longhand {
namespace {

constexpr int kMaxNesting = 512;          // of a document that holds a schema
constexpr int kMaxDepth = 128;            // of schemas that hold together
constexpr std::size_t kMaxShapes = 1000;  // of one place
constexpr std::size_t kMaxWork = 200000;  // keywords looked at, in all shapes
constexpr const char* kMadePrefix = "longhand:";

// An API wraps the schema: {"name": ..., "schema": ...}, also as "json_schema" of a response format.
Json unwrapped(Json root) {
  for (const char* key : {"json_schema", "schema"}) {
    if (!root.is_object() || !root.contains(key) || !root[key].is_object()) continue;
    const bool wrapper = std::all_of(root.begin(), root.end(), [&](const Json& value) {
      return value.is_object() ? &value == &root[key] : !value.is_array();
    });
    const bool named = root.contains("name") || root.contains("strict") || root.value("type", Json()) == key;
    if (wrapper && named) root = Json(root[key]);
  }
  return root;
}

}  // namespace

Json parse_schema(std::string_view json) {
  const auto limit_depth = [](int depth, Json::parse_event_t, Json&) {
    if (depth > kMaxNesting) throw Error(Errc::grammar, fmt::format("it nests deeper than {}", kMaxNesting));
    return true;
  };
  return Json::parse(json.begin(), json.end(), limit_depth);
}

std::string plain_message(const std::exception& error) {
  const std::string text = error.what();
  return text.substr(0, text.rfind(" [E_"));
}

SchemaSet::SchemaSet(Json root, bool lenient) : root_(unwrapped(std::move(root))), lenient_(lenient) {
  resolve_references(root_);
}

void SchemaSet::refuse(const std::string& what) {
  if (!lenient_) throw Error(Errc::grammar, fmt::format("{}: {}", path_, what));
  note(what);
}

void SchemaSet::note(const std::string& what) {
  constexpr std::size_t kMost = 1000;
  std::string text = fmt::format("{}: {}", path_, what);
  const bool known = std::find(notes_.begin(), notes_.end(), text) != notes_.end();
  if (!known && notes_.size() < kMost) notes_.push_back(std::move(text));
}

void SchemaSet::spend(std::size_t work) {
  work_ += work;
  if (work_ > kMaxWork) throw Error(Errc::grammar, "too many combinations of schemas");
}

const Json& SchemaSet::lookup(const std::string& ref) {
  const auto known = places_.find(ref);
  if (known != places_.end()) return *known->second;
  const Json& found = referenced(root_, ref);
  places_[ref] = &found;
  return found;
}

std::string SchemaSet::reference_to(const Json* schema) {
  std::string ref = fmt::format("{}{}", kMadePrefix, places_.size());
  places_[ref] = schema;
  return ref;
}

const Json* SchemaSet::target(const Json* schema) {
  for (int hops = 0; hops < kMaxDepth; ++hops) {
    const bool pure =
        schema->is_object() && schema->contains("$ref") &&
        std::none_of(schema->items().begin(), schema->items().end(), [](const auto& item) {
          constexpr std::string_view kOthers[] = {"allOf",
                                                  "anyOf",
                                                  "oneOf",
                                                  "not",
                                                  "if",
                                                  "nullable",
                                                  "dependencies",
                                                  "dependentRequired",
                                                  "dependentSchemas"};
          return is_plain_keyword(item.key()) ||
                 std::find(std::begin(kOthers), std::end(kOthers), item.key()) != std::end(kOthers);
        });
    if (!pure) return schema;
    schema = &lookup((*schema)["$ref"].get<std::string>());
  }
  throw Error(Errc::grammar, "a $ref leads to itself");
}

std::vector<SchemaShape> SchemaSet::shapes(const Schemas& all) {
  Shapes shapes(1);
  for (const Json* schema : all) conjoin(shapes, *schema, 0);
  return shapes;
}

// Recursion is bounded by kMaxDepth.
void SchemaSet::conjoin(Shapes& shapes, const Json& schema, int depth) {
  if (depth > kMaxDepth) throw Error(Errc::grammar, fmt::format("schemas nest deeper than {}", kMaxDepth));
  if (schema == true) return;
  if (schema == false) shapes.clear();
  if (!schema.is_boolean() && !schema.is_object())
    throw Error(Errc::grammar, "a part is neither object nor boolean");
  if (shapes.empty()) return;
  if (schema.value("nullable", Json()) == true) {
    Json other = schema;
    other.erase("nullable");
    return choose(shapes, {keep(std::move(other)), keep({{"type", "null"}})}, depth + 1);
  }
  spend(shapes.size() * (1 + schema.size()));
  for (SchemaShape& shape : shapes) absorb_keywords(shape, schema);
  std::erase_if(shapes, [](const SchemaShape& shape) { return shape.types == 0; });
  for (const auto& [key, value] : schema.items()) conjoin_keyword(shapes, schema, key, depth + 1);
}

void SchemaSet::conjoin_keyword(Shapes& shapes, const Json& schema, const std::string& key, int depth) {
  const Json& value = schema[key];
  const auto list = [&] {
    if (!value.is_array()) throw Error(Errc::grammar, fmt::format("{} must be a list of schemas", key));
    Schemas all;
    for (const Json& part : value) all.push_back(&part);
    return all;
  };
  if (key == "$ref") {
    conjoin(shapes, lookup(value.get<std::string>()), depth);
  } else if (key == "allOf") {
    for (const Json* part : list()) conjoin(shapes, *part, depth);
  } else if (key == "anyOf") {
    choose(shapes, list(), depth);
  } else if (key == "oneOf") {
    choose(shapes, parted(list()), depth);
  } else if (key == "not") {
    if (const Json* other = negated(&value)) conjoin(shapes, *other, depth);
  } else if (key == "if") {
    conjoin_condition(shapes, schema, depth);
  } else if (key == "dependencies" || key == "dependentRequired" || key == "dependentSchemas") {
    for (const auto& [name, needs] : value.items()) conjoin_dependency(shapes, name, needs, depth);
  }
}

void SchemaSet::conjoin_condition(Shapes& shapes, const Json& schema, int depth) {
  const auto part = [&](const char* key) {
    const auto found = schema.find(key);
    return found == schema.end() ? keep(true) : &*found;
  };
  const Json* otherwise = negated(part("if"));
  if (otherwise == nullptr) return;
  const auto all = [&](const Json* a, const Json* b) {
    return keep({{"allOf", Json::array({Json{{"$ref", reference_to(a)}}, Json{{"$ref", reference_to(b)}}})}});
  };
  choose(shapes, {all(part("if"), part("then")), all(otherwise, part("else"))}, depth);
}

void SchemaSet::conjoin_dependency(Shapes& shapes, const std::string& name, const Json& needs, int depth) {
  const Json* without = keep({{"type", "object"}, {"properties", {{name, false}}}});
  Json with = {{"required", Json::array({name})}};
  if (needs.is_array()) {
    for (const Json& other : needs) with["required"].push_back(other);
  } else if (needs.is_string()) {  // draft 3
    with["required"].push_back(needs);
  } else {
    with["$ref"] = reference_to(&needs);
  }
  const Json* no_object = keep({{"type", {"null", "boolean", "number", "string", "array"}}});
  choose(shapes, {without, keep(std::move(with)), no_object}, depth);
}

void SchemaSet::choose(Shapes& shapes, const Schemas& branches, int depth) {
  Shapes all;
  for (const Json* branch : branches) {
    Shapes part = shapes;
    spend(part.size());
    conjoin(part, *branch, depth);
    all.insert(all.end(), std::make_move_iterator(part.begin()), std::make_move_iterator(part.end()));
    if (all.size() > kMaxShapes)
      throw Error(Errc::grammar, fmt::format("its choices combine in more than {} ways", kMaxShapes));
  }
  shapes = std::move(all);
}

// Nothing where that cannot be said and was noted.
const Json* SchemaSet::negated(const Json* schema) {
  const auto known = negations_.find(schema);
  if (known != negations_.end()) return known->second;
  spend(1);
  const Json* result = nullptr;
  try {
    const auto place = [this](const Json& part) { return reference_to(&part); };
    const Json* whole = target(schema);
    result = keep(negated_schema(*whole, place));
  } catch (const Error& error) { refuse(plain_message(error)); }
  return negations_[schema] = result;
}

}  // namespace longhand
