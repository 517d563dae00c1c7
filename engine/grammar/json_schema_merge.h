// Schemas that must hold together, as one schema.
#pragma once

#include <nlohmann/json.hpp>

namespace longhand {

/// Both `a` and `b`, which hold no $ref and no allOf. Throws Error (grammar) where this cannot be said
/// in one schema.
nlohmann::ordered_json merge_schemas(const nlohmann::ordered_json& a, const nlohmann::ordered_json& b);

}  // namespace longhand
