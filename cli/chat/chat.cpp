// longhand chat: a conversation at the terminal, or through a pipe with one message a line.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "cli/chat/answer_view.h"
#include "cli/chat/chat_loop.h"
#include "cli/chat/chat_saving.h"
#include "cli/chat/completion.h"
#include "cli/chat/model_picker.h"
#include "cli/chat/reach_note.h"
#include "cli/exit_status.h"
#include "cli/flags/sampling_flags.h"
#include "cli/flags/session_flags.h"
#include "cli/flags/speculation_flags.h"
#include "cli/models/models_path.h"
#include "cli/terminal/escapes.h"
#include "cli/terminal/line_input.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/text_file.h"
#include "cli/terminal/user_dirs.h"
#include "cli/verbs.h"

namespace longhand::cli {
namespace {

const std::set<std::string> kSwitch = {"on", "off", "auto", "0", "1", "true", "false"};

// Of the flags that /set can change too.
constexpr std::pair<const char*, const char*> kSettingFlags[] = {
    {"temp", "--temp"},   {"top_k", "--top-k"}, {"top_p", "--top-p"},
    {"min_p", "--min-p"}, {"seed", "--seed"},   {"max_tokens", "--predict"},
};

struct Flags {
  SessionFlags session;
  SamplingFlags sampling;
  SpeculationFlags speculation;
  std::string prompt, file, system, system_file, reasoning = "auto", colour = "auto";
  int max_tokens = -1, reasoning_budget = -1, cache_limit = 512;
  bool single_turn = false, no_history = false, json = false, simple_io = false, show_prompt = false;
  bool as_usual = false;
  const CLI::Option* names_model = nullptr;
  std::vector<std::pair<const char*, const CLI::Option*>> settings;  // by their names in /set

  std::set<std::string> given() const {
    std::set<std::string> names;
    for (const auto& [name, option] : settings)
      if (option->count() > 0) names.insert(name);
    return names;
  }
  bool commands = false, escapes = true;
};

// A pipe or a file, that is: something on purpose, which ends.
bool stdin_has_text() {
  struct stat status {};
  return ::fstat(STDIN_FILENO, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISREG(status.st_mode));
}

// The message the command line asks for, from what is piped in, -f and -p, in this order; "" if there is
// none.
std::string first_message(const Flags& flags, bool with_stdin) {
  std::string message;
  const auto add = [&message](std::string text) {
    if (text.ends_with('\n')) text.pop_back();  // editors put it there, nobody means it
    if (!message.empty() && !text.empty()) message += "\n\n";
    message += text;
  };
  if (flags.prompt.empty() && flags.file.empty()) return "";
  if (with_stdin && flags.file != "-") add(read_plain_text("-"));
  if (!flags.file.empty()) add(read_plain_text(flags.file));
  add(without_mark(flags.escapes ? unescape(flags.prompt) : flags.prompt));
  return message;
}

// Templates may write the date.
std::string local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

ChatSettings settings_of(const Flags& flags, const Model& model) {
  ChatSettings settings;
  settings.system = flags.system_file.empty() ? flags.system : read_plain_text(flags.system_file);
  settings.max_tokens = flags.max_tokens;
  settings.sampler = flags.sampling.options(model);
  if (flags.reasoning != "auto") settings.thinking = flags.reasoning == "on";
  if (flags.reasoning_budget == 0) settings.thinking = false;
  return settings;
}

// Asks a person who named no model.
Model open_chat_model(const Flags& flags, bool asks) {
  LoadOptions options = flags.session.load_options();
  if (flags.json) options.progress = loading_events();
  std::string path = flags.session.model;
  if (flags.names_model != nullptr && flags.names_model->count() > 0 && path.empty())
    throw UsageError("the name of the model file is empty");
  if (named_model(path).empty() && asks) path = pick_model();
  return open_model(find_model(path), options);
}

int converse(const Flags& flags, AnswerView& view, bool interactive) {
  const bool piped = !interactive && stdin_has_text();
  const std::string first = first_message(flags, piped);
  const Model model = open_chat_model(flags, interactive);
  const SessionOptions options = flags.session.session_options();
  Chat session(model, settings_of(flags, model), options, {.text = {}, .now = local_time()});
  session.speculate(flags.speculation.speculation(session.session(), options, flags.session.load_options()));
  if (session.session().context_was_cut()) {
    print_note(
        fmt::format("the context is {} tokens, as many as fit in memory", session.session().context()));
  }
  for (const std::string& warning : session.written().warnings()) print_note(warning);

  ChatStore store(ChatStore::default_folder());
  const bool edited = interactive && !flags.simple_io;
  const auto input =
      edited ? make_editor(History(flags.no_history ? "" : History::default_path()),
                           [&store](const std::string& typed) { return complete_line(typed, store); })
             : make_plain_input(STDIN_FILENO, interactive);
  ChatCache cache(std::uint64_t(flags.cache_limit) << 20);
  ChatState state{session, options, store, cache, *input, ""};
  state.given = flags.given();
  view.ready(session.session());
  ChatLoop loop(state, view, {flags.show_prompt, ReachNote(session.session(), options)},
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

int chat(const Flags& flags) {
  const SignalScope signals;
  // Simple means that programs which take the screen for a typewriter can show it.
  if (flags.simple_io) ::setenv("TERM", "dumb", 1);
  if (flags.colour == "off" || flags.colour == "0" || flags.colour == "false") ::setenv("NO_COLOR", "1", 1);
  flags.session.tell_notes();
  const bool interactive = is_terminal(STDIN_FILENO) && !flags.json;
  const auto view = flags.json ? make_json_view() : make_text_view(interactive);
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
  auto flags = std::make_shared<Flags>();
  verb->add_option("--system-prompt", flags->system, "What the model is told before the chat (-sys)")
      ->type_name("TEXT");
  verb->add_option("--system-prompt-file", flags->system_file, "The same from a file (-sysf)")
      ->type_name("FILE");
  verb->add_option("-p,--prompt", flags->prompt, "The first message; text from a pipe goes before it")
      ->type_name("TEXT");
  verb->add_option("-f,--file", flags->file, "File that goes before -p in the first message; - is a pipe")
      ->type_name("FILE");
  verb->add_flag("--single-turn", flags->single_turn, "Leave after the answer to -p or -f (-st)");
  verb->add_option("--reasoning", flags->reasoning,
                   "Whether a model that can reasons before it answers; auto: as it likes")
      ->check(CLI::IsMember({"on", "off", "auto"}))
      ->capture_default_str()
      ->type_name("WORD");
  verb->add_option("--reasoning-budget", flags->reasoning_budget, "0: the same as --reasoning off")
      ->check(CLI::Range(-1, 0))
      ->group("");
  verb->add_flag("-e,--escape,!--no-escape", flags->escapes,
                 "Read \\n, \\t and such in -p as what they mean; on unless --no-escape");
  verb->add_flag("--commands", flags->commands,
                 "Lines of a pipe that begin with / are commands, as at a terminal; else all are messages");
  verb->add_flag("--json", flags->json, "Write events on standard output, one JSON object a line");
  verb->add_flag("--simple-io", flags->simple_io, "No line editing, no colours, no bars");
  verb->add_flag("--show-prompt", flags->show_prompt,
                 "Show what the model is given, control tokens and all, on standard error");
  verb->add_option("-n,--n-predict,--predict", flags->max_tokens,
                   "Tokens of one answer at most; -1: no limit")
      ->capture_default_str()
      ->check(CLI::Range(-1, 1 << 30))
      ->type_name("N");
  verb->add_option("--chat-cache", flags->cache_limit,
                   "MiB at most of the file beside a saved chat that spares /load reading it again; 0: none")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 30))
      ->type_name("N");
  verb->add_flag("--no-history", flags->no_history, "Do not keep what is typed");
  for (const char* usual : {"--conversation", "--multiline-input", "--offline"}) {
    verb->add_flag(usual, flags->as_usual)->group("");  // what this verb does anyway
  }
  verb->add_option("--color", flags->colour)->check(CLI::IsMember(kSwitch))->group("");
  flags->sampling.add_to(*verb);
  flags->session.add_to(*verb);
  for (const auto& [name, flag] : kSettingFlags) flags->settings.emplace_back(name, verb->get_option(flag));
  flags->names_model = verb->get_option("--model");
  flags->speculation.add_to(*verb);
  verb->footer(
      "Without a terminal on standard input every line is a message, unless -p or -f gives one; standard "
      "output "
      "carries the answers alone:\n"
      "  echo 'What is the capital of Peru?' | longhand chat --temp 0\n"
      "  longhand chat MODEL -p 'Sum this up:' < letter.txt");
  verb->callback([flags, &action] { action = [flags] { return chat(*flags); }; });
}

}  // namespace longhand::cli
