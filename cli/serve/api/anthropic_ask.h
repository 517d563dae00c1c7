// Conversations as Anthropic's clients write them.
#pragma once

#include "cli/serve/api/json.h"
#include "cli/serve/chat_run.h"

namespace longhand::cli {

/// Messages, system prompt and tools, which is what tokens are counted of. Throws ApiError.
ChatAsk read_anthropic_conversation(const Service& service, const Fields& fields);
/// The same and all else. Throws ApiError.
ChatAsk read_anthropic_ask(const Service& service, const Fields& fields);

}  // namespace longhand::cli
