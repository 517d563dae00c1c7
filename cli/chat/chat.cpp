// longhand chat: a conversation at the terminal, or through a pipe with one message a line.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <utility>

#include "cli/chat/answer_view.h"
#include "cli/chat/chat_flags.h"
#include "cli/chat/chat_loop.h"
#include "cli/chat/chat_saving.h"
#include "cli/chat/chat_tools.h"
#include "cli/chat/completion.h"
#include "cli/chat/model_picker.h"
#include "cli/chat/reach_note.h"
#include "cli/exit_status.h"
#include "cli/models/models_path.h"
#include "cli/terminal/line_input.h"
#include "cli/terminal/output.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
#include "cli/verbs.h"

namespace longhand::cli {
namespace {

// A pipe or a file, that is: something on purpose, which ends.
bool stdin_has_text() {
  struct stat status {};
  return ::fstat(STDIN_FILENO, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISREG(status.st_mode));
}

// Asks a person who named no model.
Model open_chat_model(const ChatFlags& flags, bool asks) {
  LoadOptions options = flags.session.load_options();
  if (flags.json) options.progress = loading_events();
  std::string path = flags.session.model;
  if (flags.names_model->count() > 0 && path.empty()) throw UsageError("the name of the model file is empty");
  if (named_model(path).empty() && asks) path = pick_model();
  return flags.session.open(find_model(path), options);
}

// A new chat under the settings of `flags`, with notes about it.
Chat make_chat(const ChatFlags& flags, const Model& model, ChatSettings settings,
               const SessionOptions& options) {
  Chat chat(model, std::move(settings), options, flags.written_as());
  chat.speculate(flags.speculation.speculation(chat.session(), options, flags.session.load_options()));
  if (chat.session().context_was_cut())
    print_note(fmt::format("the context is {} tokens, as many as fit in memory", chat.session().context()));
  for (const std::string& warning : chat.written().warnings()) print_note(warning);
  flags.session.tell_details(chat.session(), chat.seed());
  return chat;
}

void go_on(ChatState& state, const std::string& name) {
  const auto chats = state.store.list();
  if (name == ChatFlags::kLatest && chats.empty()) return print_note("there is no saved chat to go on with");
  load_chat(state, name == ChatFlags::kLatest ? chats.front().name : name);
}

int converse(const ChatFlags& flags, AnswerView& view, bool interactive) {
  const std::string tools = flags.tools.empty() ? "" : read_text(flags.tools);
  // Where functions are called, a pipe gives their results line by line.
  const bool piped = !interactive && tools.empty() && stdin_has_text();
  const std::string first = flags.first_message(piped);
  const Model model = open_chat_model(flags, interactive);
  const SessionOptions options = flags.session.session_options(model);
  const ProgramSettings settings = flags.settings(model);
  Chat chat = make_chat(flags, model, settings, options);

  ChatStore store(ChatStore::default_folder());
  const bool edited = interactive && !flags.simple_io;
  const auto input =
      edited ? make_editor(History(flags.no_history ? "" : History::default_path()),
                           [&store](const std::string& typed) { return complete_line(typed, store); })
             : make_plain_input(STDIN_FILENO, interactive);
  ChatCache cache(std::uint64_t(flags.cache_limit) << 20);
  ChatState state{chat, options, store, cache, *input, ""};
  state.given = flags.given();
  state.plain = settings.plain;
  state.autosave = interactive && !flags.no_autosave;
  state.open = [&](const std::string& path) {
    return flags.session.open(path, flags.session.load_options());
  };
  state.begin = [&](const Model& next, ChatSettings now, const SessionOptions& how) {
    return make_chat(flags, next, std::move(now), how);
  };
  state.tool_options = tool_options(flags.tool_choice);
  if (!tools.empty()) offer_tools(state, tools);
  view.ready(chat.session(), chat.seed());
  tell_memory(chat.session(), options);
  if (!flags.go_on.empty()) go_on(state, flags.go_on);
  ChatLoop loop(state, view, {flags.show_prompt, ReachNote(chat.session(), options)},
                {.commands = interactive || flags.commands,
                 .quotes = !flags.json || flags.commands,
                 .each = flags.json});
  if (!first.empty()) loop.send(first);
  // What was piped in went into that message.
  const bool done = !first.empty() && (flags.single_turn || !interactive);
  const int status = done ? loop.status() : loop.run();
  // After a signal there may be no time for a cache.
  if (leave_signal() == 0) leave_chat(state);
  if (interactive && leave_signal() != 0) rescue_chat(state);
  return status;
}

int chat(const ChatFlags& flags) {
  const SignalScope signals;
  // Simple means that programs which take the screen for a typewriter can show it.
  if (flags.simple_io) ::setenv("TERM", "dumb", 1);
  if (flags.colour == "off" || flags.colour == "0" || flags.colour == "false") ::setenv("NO_COLOR", "1", 1);
  flags.session.tell_notes();
  const bool interactive = is_terminal(STDIN_FILENO) && !flags.json;
  const auto view = flags.json ? make_json_view() : make_text_view(interactive, flags.session.verbose());
  if (!flags.json) return converse(flags, *view, interactive);
  try {
    return converse(flags, *view, interactive);
  } catch (const Error& error) {
    if (error.code() == Errc::cancelled) throw;
    view->fail(error);  // told on stderr as well
    return kFailure;
  }
}

}  // namespace

void add_chat(CLI::App& app, Action& action) {
  auto* verb = app.add_subcommand(
      "chat", "Talk with a model: FILE, or one found on this machine, or the one included");
  auto flags = std::make_shared<ChatFlags>();
  flags->add_to(*verb);
  verb->footer(
      "Without a terminal on standard input every line is a message, unless -p or -f gives one; standard "
      "output "
      "carries the answers alone:\n"
      "  echo 'What is the capital of Peru?' | longhand chat --temp 0\n"
      "  longhand chat MODEL -p 'Sum this up:' < letter.txt");
  verb->callback([flags, &action] { action = [flags] { return chat(*flags); }; });
}

}  // namespace longhand::cli
