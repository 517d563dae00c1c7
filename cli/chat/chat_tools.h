// Functions that the model of a chat may call: --tools and /tools.
#pragma once

#include <string>

#include "cli/chat/chat_commands.h"

namespace longhand::cli {

/// Of --tool-choice: auto, required, or the name of a function.
ToolOptions tool_options(const std::string& choice);

/// Offers the functions of a JSON text, and tells what the grammar does not hold calls to. Throws Error as
/// Chat::offer() does.
void offer_tools(ChatState& state, const std::string& json);

/// A command; see ChatCommand::run.
void set_tools(ChatState& state, const std::string& file);

}  // namespace longhand::cli
