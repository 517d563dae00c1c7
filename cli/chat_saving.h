// Saved chats as the commands see them: /save, /load and /fork.
#pragma once

#include <string>

#include "cli/chat_commands.h"
#include "cli/chat_record.h"

namespace longhand::cli {

/// What a saved chat holds of this one.
ChatRecord record_of(const ChatSession& chat);

/// Commands; see ChatCommand::run.
void save_chat(ChatState& state, const std::string& name);
void load_chat(ChatState& state, const std::string& name);
void fork_chat(ChatState& state, const std::string& name);

/// Saves a chat without a name when its terminal is gone, so that it can still be loaded. Never throws.
void rescue_chat(ChatState& state) noexcept;

}  // namespace longhand::cli
