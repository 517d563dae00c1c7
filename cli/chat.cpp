// longhand chat: a conversation at the terminal, or through a pipe with one message a line.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>

#include "cli/chat_commands.h"
#include "cli/chat_session.h"
#include "cli/exit_status.h"
#include "cli/line_input.h"
#include "cli/models_path.h"
#include "cli/output.h"
#include "cli/output_filter.h"
#include "cli/sampling_flags.h"
#include "cli/session_flags.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "cli/units.h"
#include "cli/verbs.h"

namespace longhand::cli {
namespace {

constexpr std::string_view kQuotes = "\"\"\"";

struct Flags {
  SessionFlags session;
  SamplingFlags sampling;
  std::string prompt, system, system_file;
  int max_tokens = -1;
  bool single_turn = false, no_history = false, as_usual = false;
};

class Chat {
 public:
  Chat(ChatSession& session, LineInput& input) : state_{session, "", false, false}, input_(input) {}

  /// Until the end of input; returns the exit status.
  int loop();
  /// One message and its answer.
  void send(const std::string& text);
  /// The status to exit with: of a signal, or failure where nobody was there to see an error.
  int status() const;

 private:
  bool handle_line(std::string text);
  bool read_quoted(std::string& text);
  bool handle_interrupt(const std::string& typed);
  void answer(const std::function<ChatAnswer(const ChatSession::OnText&)>& ask);
  void report(const ChatAnswer& answer);

  ChatState state_;
  LineInput& input_;
  int empty_interrupts_ = 0;  // Ctrl-C at an empty prompt, in a row
  bool interrupted_ = false;  // pressed so that the program should end
  bool failed_ = false;       // a message got no answer
};

int Chat::status() const {
  if (const int signal = leave_signal()) return kSignalBase + signal;
  if (interrupted_) return kInterrupted;
  return failed_ && !input_.interactive() ? kFailure : kSuccess;
}

int Chat::loop() {
  while (!state_.leave && !interrupted_ && leave_signal() == 0) {
    InputLine line = input_.next("> ");
    if (line.event == InputEvent::leave) break;
    if (line.event == InputEvent::end) {
      if (input_.interactive()) write_error("\n");
      break;
    }
    if (line.event == InputEvent::interrupt) {
      interrupted_ = !handle_interrupt(line.text);
      continue;
    }
    empty_interrupts_ = 0;
    if (!handle_line(std::move(line.text))) break;
  }
  return status();
}

// False if it means to leave.
bool Chat::handle_interrupt(const std::string& typed) {
  const int presses = take_interrupts();
  write_error("\n");
  empty_interrupts_ =
      typed.empty() ? empty_interrupts_ + presses : presses - 1;  // the first dropped the line
  if (!input_.interactive() || empty_interrupts_ > 1) return false;
  if (empty_interrupts_ == 1) print_note("Ctrl-C again or Ctrl-D leaves");
  return true;
}

// Collects the lines up to the closing quotes; false at the end of input.
bool Chat::read_quoted(std::string& text) {
  text.erase(0, kQuotes.size());
  while (!text.ends_with(kQuotes)) {
    const InputLine line = input_.next("... ");
    if (line.event == InputEvent::interrupt) {
      take_interrupts();
      write_error("\n");
      text.clear();
      return input_.interactive();
    }
    if (line.event != InputEvent::line) return false;
    if (!text.empty()) text += '\n';
    text += line.text;
  }
  text.resize(text.size() - kQuotes.size());
  return true;
}

// False to leave.
bool Chat::handle_line(std::string text) {
  const bool quoted = text.starts_with(kQuotes);
  if (quoted && !read_quoted(text)) return false;
  if (text.find_first_not_of(" \t\n") == std::string::npos) return true;
  input_.remember(text);
  if (quoted || !text.starts_with('/')) {
    send(text);
    return true;
  }
  try {
    if (!run_chat_command(state_, text)) {
      print_note(fmt::format("there is no command {}; /help lists them", text.substr(0, text.find(' '))));
    }
  } catch (const Error& error) { write_error(fmt::format("error: {}\n", error.what())); }
  if (std::exchange(state_.answer_again, false)) {
    answer([this](const auto& on_text) { return state_.chat.retry(on_text); });
  }
  return true;
}

void Chat::send(const std::string& text) {
  const std::string message = state_.attached + text;
  answer([&](const auto& on_text) {
    const ChatAnswer answer = state_.chat.ask(message, on_text);
    state_.attached.clear();
    return answer;
  });
}

void Chat::answer(const std::function<ChatAnswer(const ChatSession::OnText&)>& ask) {
  Session& session = state_.chat.session();
  const CancelOnSignal cancel(session);
  ProgressBar bar("reading");
  session.on_progress([&bar](int done, int total) { bar.update(static_cast<double>(done) / total); });
  const bool filtered = is_terminal(STDOUT_FILENO);
  OutputFilter filter;
  bool open_line = false;  // the answer so far does not end in a newline
  const auto write = [&](const std::string& text) {
    write_output(text);
    if (!text.empty()) open_line = text.back() != '\n';
  };
  bool reasoned = false;  // reasoning is shown, and its line is open
  const auto show = [&](const ReasoningSpan& span) {
    bar.clear();
    if (span.kind == ReasoningSpan::Kind::reasoning) {
      // Not part of the answer: shown to people only.
      if (input_.interactive()) write_error(dim(make_visible(span.text)));
      reasoned = input_.interactive();
      return;
    }
    if (std::exchange(reasoned, false)) write_error("\n");
    write(filtered ? filter.push(span.text) : span.text);
  };
  const auto end_line = [&] {
    const bool echoed = !bar.clear() && !open_line && input_.interactive() && signal_waiting();
    if (reasoned || echoed) write_error("\n");
    write(filter.finish());
    if (open_line) write_output("\n");
  };
  try {
    const ChatAnswer answer = ask(show);
    if (answer.written_tokens == 0) open_line = true;  // an empty answer is a line of its own
    end_line();
    report(answer);
  } catch (const Error& error) {
    end_line();
    if (error.code() == Errc::cancelled) {
      print_note("stopped while reading; the message is not part of the conversation");
    } else {
      write_error(fmt::format("error: {}\n", error.what()));
      if (!state_.attached.empty())
        print_note("what was read still goes with the next message; /clear drops it");
      failed_ = true;
    }
  }
  session.on_progress({});
  // A second Ctrl-C, or any without a prompt to come back to, ends the program.
  const int presses = take_interrupts();
  interrupted_ = presses > (input_.interactive() ? 1 : 0);
}

void Chat::report(const ChatAnswer& answer) {
  if (answer.dropped_turns > 0) {
    print_note(
        answer.dropped_turns == 1
            ? "the context is full: the oldest turn was forgotten"
            : fmt::format("the context is full: the oldest {} turns were forgotten", answer.dropped_turns));
  }
  if (answer.reason == StopReason::cancelled) {
    print_note("the answer was stopped");
  } else if (answer.reason != StopReason::end_of_generation) {
    print_note(fmt::format("the answer was stopped: {}", stop_reason_name(answer.reason)));
  }
  if (!input_.interactive() || !is_terminal(STDERR_FILENO) || answer.write_seconds <= 0) return;
  write_error(dim(fmt::format("[{} tokens, {:.1f} tokens/s; context {} of {}]", answer.written_tokens,
                              answer.written_tokens / answer.write_seconds, state_.chat.session().size(),
                              state_.chat.session().context())) +
              "\n");
}

void greet(ChatSession& chat) {
  const ModelInfo info = chat.model().info();
  const Session& session = chat.session();
  write_error(dim(fmt::format("{} ({}, {} parameters, {}), context {}, {} thread{}, {}\n"
                              "/help lists commands; Ctrl-C stops an answer, Ctrl-D leaves.",
                              make_visible(info.name), make_visible(info.architecture),
                              format_count(info.parameters), info.type, session.context(), session.threads(),
                              session.threads() == 1 ? "" : "s", info.isa)) +
              "\n");
}

int chat(const Flags& flags) {
  const SignalScope signals;
  flags.session.report_ignored();
  ChatSettings settings;
  settings.system = flags.system_file.empty() ? flags.system : read_text(flags.system_file);
  settings.max_tokens = flags.max_tokens;
  const Model model = open_model(find_model(flags.session.model), flags.session.load_options());
  settings.sampler = flags.sampling.options(model);
  ChatSession session(model, flags.session.session_options(), settings);
  if (session.session().context_was_cut()) {
    print_note(
        fmt::format("the context is {} tokens, as many as fit in memory", session.session().context()));
  }

  const bool interactive = is_terminal(STDIN_FILENO);
  const auto input = interactive
                         ? make_editor(History(flags.no_history ? "" : History::default_path()), chat_words())
                         : make_pipe_input(STDIN_FILENO);
  for (const std::string& warning : session.format().warnings()) print_note(warning);
  if (interactive) greet(session);
  Chat chat(session, *input);
  if (!flags.prompt.empty()) chat.send(flags.prompt);
  if (flags.single_turn && !flags.prompt.empty()) return chat.status();
  return chat.loop();
}

}  // namespace

void add_chat(CLI::App& app, Action& action) {
  auto* verb =
      app.add_subcommand("chat", "Talk with a model; without FILE with the small one that is included");
  auto flags = std::make_shared<Flags>();
  verb->add_option("--system-prompt", flags->system, "What the model is told before the chat (-sys)")
      ->type_name("TEXT");
  verb->add_option("--system-prompt-file", flags->system_file, "The same from a file (-sysf)")
      ->type_name("FILE");
  verb->add_option("-p,--prompt", flags->prompt, "The first message")->type_name("TEXT");
  verb->add_flag("--single-turn", flags->single_turn, "Leave after the answer to -p (-st)");
  verb->add_option("-n,--n-predict,--predict", flags->max_tokens,
                   "Tokens of one answer at most; -1: no limit")
      ->capture_default_str()
      ->check(CLI::Range(-1, 1 << 30))
      ->type_name("N");
  verb->add_flag("--no-history", flags->no_history, "Do not keep what is typed");
  for (const char* usual : {"--conversation", "--multiline-input", "--simple-io", "--color"}) {
    verb->add_flag(usual, flags->as_usual)->group("");  // what this verb does anyway
  }
  flags->sampling.add_to(*verb);
  flags->session.add_to(*verb);
  verb->footer(
      "Without a terminal on standard input every line is a message, and standard output carries the answers "
      "alone:\n"
      "  echo 'What is the capital of Peru?' | longhand chat --temp 0");
  verb->callback([flags, &action] { action = [flags] { return chat(*flags); }; });
}

}  // namespace longhand::cli
