// What can be typed after a slash: a table of commands.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/chat_session.h"
#include "cli/chat_store.h"
#include "cli/line_input.h"

namespace longhand::cli {

/// What a command can reach.
struct ChatState {
  ChatSession& chat;
  ChatStore& store;
  LineInput& input;
  std::string attached;  // text that goes before the next message
  bool leave = false;
  bool answer_again = false;
};

struct ChatCommand {
  std::string_view name;       // "/set"
  std::string_view arguments;  // for the help
  std::string_view help;
  /// Throws Error; the chat goes on.
  void (*run)(ChatState& state, const std::string& argument);
};

std::span<const ChatCommand> chat_commands();

/// Runs "/name argument". What it has to say goes to stderr. False if no such command exists.
bool run_chat_command(ChatState& state, std::string_view line);

}  // namespace longhand::cli
