// How strong adapters are, as requests say it.
#pragma once

#include <optional>
#include <vector>

#include "cli/serve/api/json.h"
#include "cli/serve/service.h"

namespace longhand::cli {

/// The member "lora", [{"id": 0, "scale": 0.5}, ...]: a scale for each adapter of the server, 0 of those that
/// are not listed. Nothing where it is absent. Throws ApiError.
std::optional<std::vector<float>> read_lora(const Service& service, const Fields& fields);

/// For requests that cannot have it. Throws ApiError where the member is there.
void refuse_lora(const Fields& fields);

}  // namespace longhand::cli
