// The commands that tell how things stand: /show, /stats and /tokens.
#pragma once

#include <string>

#include "cli/chat/chat_commands.h"

namespace longhand::cli {

/// Commands; see ChatCommand::run.
void show_settings(ChatState& state, const std::string&);
void show_stats(ChatState& state, const std::string&);
void show_tokens(ChatState& state, const std::string& text);

}  // namespace longhand::cli
