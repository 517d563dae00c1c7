// Saved chats as the commands see them: /save, /load, /chats and /fork.
#pragma once

#include <string>

#include "cli/chat/chat_commands.h"
#include "cli/chat/chat_record.h"

namespace longhand::cli {

/// What a saved chat holds of this one.
ChatRecord record_of(const ChatState& state);

/// Commands; see ChatCommand::run.
void save_chat(ChatState& state, const std::string& name);
void load_chat(ChatState& state, const std::string& name);
void list_chats(ChatState& state, const std::string&);
void fork_chat(ChatState& state, const std::string& name);

/// Saves a chat that has a name, and gives it one where autosave is on. To be called after every change.
/// Throws Error.
void keep_chat(ChatState& state);

/// To be told before another chat takes the place of this one, and before the program ends in peace: what the
/// model made of a saved chat is kept for the next time.
void leave_chat(ChatState& state) noexcept;

/// Saves a chat without a name when its terminal is gone, so that it can still be loaded. Never throws.
void rescue_chat(ChatState& state) noexcept;

}  // namespace longhand::cli
