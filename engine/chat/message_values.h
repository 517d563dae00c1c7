// Messages of a conversation as the values that chat templates work on.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/chat/jinja/value.h"
#include "engine/chat/tools/tool_dialect.h"
#include "engine/types/chat.h"

namespace longhand {

/// JSON of the caller's. Its words are not the template's: no text in it is trusted. Throws Error: type,
/// limit (naming `what`).
jinja::Value json_value(jinja::Heap& heap, const std::string& text, const char* what);

/// `content_parts`: content is [{"type": "text", "text": ...}]. Throws Error: type, limit (tool calls that
/// are none).
jinja::Value message_value(jinja::Heap& heap, const ChatMessage& message, bool content_parts,
                           const ToolDialect& tools);

/// Messages in which nothing is left that the template does not show: results of calls as words of the user,
/// and, where they have no name, that of the call.
std::vector<ChatMessage> with_results_shown(std::span<const ChatMessage> messages,
                                            const ToolDialect& dialect);

}  // namespace longhand
