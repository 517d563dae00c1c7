// Conversations as OpenAI's clients write them, which others follow.
#pragma once

#include <string>
#include <vector>

#include "cli/serve/api/json.h"
#include "engine/types/chat.h"

namespace longhand::cli {

/// The text of a message's "content": a string, or an array of parts of the types text, input_text and
/// output_text. Throws ApiError: anything else, such as images.
std::string content_text(const Fields& message, const char* name = "content");
/// An array of messages. Throws ApiError.
std::vector<ChatMessage> read_messages(const Fields& fields, const char* name = "messages");

}  // namespace longhand::cli
