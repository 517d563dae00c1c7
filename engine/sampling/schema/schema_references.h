// $ref, $id and $anchor in JSON schemas.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace longhand {

/// Every $ref (also $dynamicRef and $recursiveRef) that leads to a place in `root` becomes a $ref "#/path"
/// from its top. Others stay as they are.
void resolve_references(nlohmann::ordered_json& root);

/// The place in `root` that "#/path" (as resolve_references() leaves it) names. Throws Error (grammar).
const nlohmann::ordered_json& referenced(const nlohmann::ordered_json& root, const std::string& ref);

}  // namespace longhand
