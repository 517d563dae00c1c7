// The branches of "oneOf", each without what another one takes too.
#include <algorithm>

#include "engine/sampling/schema/schema_set.h"
#include "ops/error.h"

namespace longhand {
namespace {

constexpr std::size_t kMostBranches = 32;   // that are compared with one another
constexpr std::size_t kMostProperties = 3;  // of a branch that is turned round

// The values a schema lists, or nothing.
std::optional<std::vector<Json>> listed(const Json& schema) {
  if (!schema.is_object()) return std::nullopt;
  if (schema.contains("const")) return std::vector<Json>{schema["const"]};
  const auto values = schema.find("enum");
  if (values == schema.end() || !values->is_array()) return std::nullopt;
  return values->get<std::vector<Json>>();
}

bool requires_it(const Json& schema, const std::string& name) {
  const auto required = schema.find("required");
  return required != schema.end() && required->is_array() &&
         std::find(required->begin(), required->end(), Json(name)) != required->end();
}

// Whether both ask of one property, which an object of either has, for values of which none is the same.
bool told_apart(const Json& a, const Json& b) {
  if (!a.contains("properties") || !b.contains("properties")) return false;
  const Json &ours = a["properties"], &theirs = b["properties"];
  if (!ours.is_object() || !theirs.is_object()) return false;
  return std::any_of(ours.items().begin(), ours.items().end(), [&](const auto& item) {
    if (!theirs.contains(item.key()) || !requires_it(a, item.key()) || !requires_it(b, item.key()))
      return false;
    const auto one = listed(item.value()), other = listed(theirs[item.key()]);
    return one && other && std::none_of(one->begin(), one->end(), [&](const Json& value) {
             return std::find(other->begin(), other->end(), value) != other->end();
           });
  });
}

// False: no value satisfies both; that it is true does not say that one does.
bool may_overlap(const Json& a, const Json& b) {
  if (!a.is_object() || !b.is_object()) return a != false && b != false;
  SchemaShape both;
  absorb_keywords(both, a);
  absorb_keywords(both, b);
  if (both.types == 0 || (both.values && both.values->empty())) return false;
  return (both.types & ~kObjectType) != 0 || !told_apart(a, b);
}

// Whether what does not satisfy it is said in few words.
bool is_small(const Json& schema) {
  if (!schema.is_object()) return true;
  constexpr std::string_view kLong[] = {"items", "prefixItems", "contains", "anyOf", "oneOf",
                                        "allOf", "if",          "not",      "$ref"};
  const auto properties = schema.find("properties");
  if (properties != schema.end()) {
    if (!properties->is_object() || properties->size() > kMostProperties) return false;
    if (!std::all_of(properties->begin(), properties->end(), [](const Json& part) {
          return is_small(part) && (!part.is_object() || !part.contains("properties"));
        }))
      return false;
  }
  return std::none_of(std::begin(kLong), std::end(kLong), [&](auto key) { return schema.contains(key); });
}

}  // namespace

// `branch` where it is not `other`, or as it is where that cannot be said.
const Json* SchemaSet::without(const Json* branch, const Json* other) {
  const Json *ours = target(branch), *theirs = target(other);
  if (!may_overlap(*ours, *theirs)) return branch;
  try {
    if (is_small(*theirs)) {
      const auto place = [this](const Json& part) { return reference_to(&part); };
      const Json* rest = keep(negated_schema(*theirs, place));
      return keep({{"allOf", Json::array({Json{{"$ref", reference_to(branch)}},
                                          Json{{"$ref", reference_to(rest)}}})}});
    }
  } catch (const Error&) {}  // what no grammar says
  note("oneOf: a value may satisfy more than one branch");
  return branch;
}

Schemas SchemaSet::parted(const Schemas& branches) {
  Schemas out = branches;
  if (branches.size() > kMostBranches) {
    note("oneOf: a value may satisfy more than one branch");
    return out;
  }
  for (std::size_t i = 0; i < branches.size(); ++i) {
    for (std::size_t j = 0; j < branches.size(); ++j) {
      if (i != j) out[i] = without(out[i], branches[j]);
    }
  }
  return out;
}

}  // namespace longhand
