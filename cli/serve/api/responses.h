// The parts of /v1/responses.
#pragma once

#include "cli/serve/api/json.h"
#include "cli/serve/chat_run.h"

namespace longhand::cli {

/// Throws ApiError.
ChatAsk read_response_ask(const Service& service, const Fields& fields);

}  // namespace longhand::cli
