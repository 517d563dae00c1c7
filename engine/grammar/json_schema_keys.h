// The keywords of JSON schema: which ones constrain, and which this library can honour.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace longhand {

/// The members of `schema` that constrain values. Notes such as "title" and unknown keywords are dropped, as
/// JSON schema asks. Throws Error (grammar) for a constraint that cannot be honoured.
nlohmann::ordered_json schema_constraints(const nlohmann::ordered_json& schema);

/// The type that the other keywords speak of, "" if none.
std::string_view implied_type(const nlohmann::ordered_json& schema);

}  // namespace longhand
