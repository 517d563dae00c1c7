#include "cli/chat/chat_loop.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "cli/chat/chat_saving.h"
#include "cli/chat/context_hint.h"
#include "cli/chat/tool_results.h"
#include "cli/chat/watched.h"
#include "cli/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"

namespace longhand::cli {
namespace {

constexpr std::string_view kQuotes = "\"\"\"";
constexpr std::size_t kAnswerRoom = 256;  // tokens, in the length proposed for a chat that does not fit

void add_to_totals(ChatTotals& totals, const ChatAnswer& answer) {
  totals.answers += 1;
  totals.read_tokens += answer.read_tokens;
  totals.written_tokens += answer.written_tokens;
  totals.read_seconds += answer.read_seconds;
  totals.write_seconds += answer.write_seconds;
}

}  // namespace

int ChatLoop::status() const {
  if (const int signal = leave_signal()) return kSignalBase + signal;
  if (interrupted_) return kInterrupted;
  return failed_ && !input_.interactive() ? kFailure : kSuccess;
}

int ChatLoop::run() {
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
bool ChatLoop::handle_interrupt(const std::string& typed) {
  const int presses = take_interrupts();
  write_error("\n");
  empty_interrupts_ =
      typed.empty() ? empty_interrupts_ + presses : presses - 1;  // the first dropped the line
  if (!input_.interactive() || empty_interrupts_ > 1) return false;
  if (empty_interrupts_ == 1) print_note("Ctrl-C again or Ctrl-D leaves");
  return true;
}

// Collects the lines up to the closing quotes; false at the end of input.
bool ChatLoop::read_quoted(std::string& text) {
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

// A backslash at its end makes a person's line go on in the next; false at the end of input.
bool ChatLoop::read_continued(std::string& text) {
  while (text.ends_with('\\')) {
    text.back() = '\n';
    const InputLine line = input_.next("... ");
    if (line.event == InputEvent::interrupt) {
      take_interrupts();
      write_error("\n");
      text.clear();
      return true;
    }
    if (line.event != InputEvent::line) return false;
    text += line.text;
  }
  return true;
}

// False to leave.
bool ChatLoop::handle_line(std::string text) {
  const bool quoted = lines_.quotes && text.starts_with(kQuotes);
  if (quoted && !read_quoted(text)) return false;
  if (!quoted && input_.interactive() && !read_continued(text)) return false;
  if (text.find_first_not_of(" \t\n") == std::string::npos) return handle_empty();
  unknown_.clear();
  input_.remember(text);
  if (!quoted && is_command(text)) {
    command(text);
  } else {
    send(text);
  }
  return true;
}

// A person means to send what was no command, and nothing else.
bool ChatLoop::handle_empty() {
  if (const std::string text = std::exchange(unknown_, {}); !text.empty())
    send(text);
  else if (lines_.each)
    fail(Error(Errc::range, "the message is empty"));
  return true;
}

// A path is no command, so that what begins with one can be asked about.
bool ChatLoop::is_command(const std::string& text) const {
  if (!lines_.commands || !text.starts_with('/')) return false;
  return find_chat_command(text) != nullptr ||
         text.substr(0, text.find(' ')).find('/', 1) == std::string::npos;
}

void ChatLoop::fail(const Error& error) {
  view_.fail(error);
  failed_ = true;
}

void ChatLoop::command(const std::string& line) {
  try {
    if (!run_chat_command(state_, line)) {
      const std::string near = nearest_chat_command(line);
      print_note(fmt::format("there is no command {}; {}{}", line.substr(0, line.find(' ')),
                             near.empty() ? "/help lists them" : fmt::format("the nearest is {}", near),
                             input_.interactive() ? "; Enter sends it as a message" : ""));
      if (input_.interactive()) unknown_ = line;
    }
  } catch (const Error& error) { fail(error); }
  if (std::exchange(state_.other_session, false)) {
    notes_.reach = ReachNote(state_.chat.session(), state_.options);
    view_.ready(state_.chat.session(), state_.chat.seed());
  }
  if (std::exchange(state_.answer_again, false)) {
    answer([this](const auto& listener) { return state_.chat.retry(listener); });
  }
  keep();
}

void ChatLoop::send(const std::string& text) {
  const std::string message = state_.attached + text;
  answer([&](const auto& listener) {
    try {
      const ChatAnswer answer = state_.chat.ask(message, listener);
      state_.attached.clear();
      return answer;
    } catch (const Error& error) {
      if (error.code() != Errc::context_full) throw;
      drop_attached(message);
      throw with_context_hint(error, state_.chat.session(), state_.options,
                              state_.chat.tokens_with(message) + kAnswerRoom);
    }
  });
  keep();
}

// What /read attached must not stop the next message too.
void ChatLoop::drop_attached(const std::string& message) {
  if (state_.attached.empty()) return;
  state_.attached.clear();
  print_note(fmt::format("the message takes {} tokens with what /read attached to it, which is dropped",
                         state_.chat.model().encode(message, false).size()));
}

// What was written so far is an answer that has ended; the next one begins with the results.
std::optional<std::vector<std::string>> ChatLoop::results_of(std::span<const ToolCall> calls,
                                                             const ChatAnswer& written) {
  view_.end(written, state_.chat.session());
  for (const ToolCall& call : calls) view_.call(call);
  auto results = take_results(calls, input_, lines_.each);
  if (results) view_.begin({state_.show_reasoning, state_.plain});
  return results;
}

void ChatLoop::answer(const std::function<ChatAnswer(const ChatListener&)>& ask) {
  ChatListener listener;
  listener.on_text = [this](std::string_view text, bool reasoning) {
    view_.text(text, reasoning);
    return true;
  };
  listener.on_reading = [this](int tokens) { view_.reading(0, tokens); };
  listener.on_calls = [this](std::span<const ToolCall> calls, const ChatAnswer& written) {
    return results_of(calls, written);
  };
  if (notes_.prompt) listener.on_prompt = [this](const std::string& text) { view_.prompt(text); };
  view_.begin({state_.show_reasoning, state_.plain});
  try {
    const Watched watched(state_.chat.session(), view_);
    const ChatAnswer answer = ask(listener);
    add_to_totals(state_.totals, answer);
    view_.end(answer, state_.chat.session());
    notes_.reach.tell(state_.chat.session(), state_.chat.session().size());
  } catch (const Error& error) {
    view_.fail(error);
    if (error.code() != Errc::cancelled) failed_ = true;
  }
  // A second Ctrl-C, or any without a prompt to come back to, ends the program.
  const int presses = take_interrupts();
  interrupted_ = presses > (input_.interactive() ? 1 : 0);
}

// A chat that has a name is saved after every change.
void ChatLoop::keep() {
  try {
    keep_chat(state_);
  } catch (const Error& error) {
    view_.fail(error);
    print_note("the chat is not saved; the next turn tries again");
  }
}

}  // namespace longhand::cli
