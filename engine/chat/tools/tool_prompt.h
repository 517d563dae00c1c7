// A conversation with tools, ready for a chat template.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/chat/tools/tool_dialect.h"
#include "engine/chat/tools/tool_list.h"

namespace longhand {

/// Where the template has no place for tools, the words of the system message that tell of them and of the
/// form of calls.
std::string tool_instructions(std::span<const Tool> tools, const ToolDialect& dialect, bool several);

/// `messages` with those words at the end of the system message, which may become the first.
std::vector<ChatMessage> with_instructions(std::span<const ChatMessage> messages, const std::string& words);

}  // namespace longhand
