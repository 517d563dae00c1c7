// What can be typed after a slash: a table of commands.
#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "cli/chat/chat_cache.h"
#include "cli/chat/chat_settings.h"
#include "cli/chat/chat_store.h"
#include "cli/terminal/line_input.h"
#include "engine/longhand.h"

namespace longhand::cli {

/// Sums over all answers.
struct ChatTotals {
  int answers = 0;
  long read_tokens = 0, written_tokens = 0;
  double read_seconds = 0, write_seconds = 0;
};

/// What a command can reach.
struct ChatState {
  Chat& chat;
  SessionOptions options;  // of its session
  ChatStore& store;
  ChatCache& cache;
  LineInput& input;
  std::string attached;              // text that goes before the next message
  std::set<std::string> given = {};  // settings of the command line, which a saved chat does not change
  bool show_reasoning = true, plain = false;
  bool autosave = false;    // a chat without a name is saved too
  bool named_here = false;  // the open chat's name was made up by autosave
  bool leave = false;
  bool answer_again = false;
  bool other_session = false;  // model or session have changed, and nobody has heard of it yet
  ChatTotals totals = {};
  ToolOptions tool_options = {};  // of the functions the chat offers
  /// The model of this path. Throws Error as Model::load().
  std::function<Model(const std::string& path)> open = {};
  /// A new chat with it, under `settings` and `options`. Throws Error as Chat does.
  std::function<Chat(const Model& model, ChatSettings settings, const SessionOptions& options)> begin = {};

  ProgramSettings settings() const { return {chat.settings(), show_reasoning, plain}; }
  /// Throws Error as Chat::change() does.
  void change(ProgramSettings settings) {
    chat.change(settings);
    show_reasoning = settings.show_reasoning;
    plain = settings.plain;
  }
};

struct ChatCommand {
  std::string_view name;       // "/set"
  std::string_view arguments;  // for the help
  std::string_view help;
  /// Throws Error; the chat goes on.
  void (*run)(ChatState& state, const std::string& argument);
};

std::span<const ChatCommand> chat_commands();

/// The one that `line` begins with; null if there is none.
const ChatCommand* find_chat_command(std::string_view line);
/// The name of the one most like the first word of `line`; "" where none is like it.
std::string nearest_chat_command(std::string_view line);

/// Runs "/name argument". What it has to say goes to stderr. False if no such command exists.
bool run_chat_command(ChatState& state, std::string_view line);

}  // namespace longhand::cli
