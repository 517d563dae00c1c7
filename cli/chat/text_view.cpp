#include <fmt/format.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "cli/chat/answer_view.h"
#include "cli/terminal/live_text.h"
#include "cli/terminal/output.h"
#include "cli/terminal/output_filter.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/units.h"

namespace longhand::cli {
namespace {

class TextView : public AnswerView {
 public:
  TextView(bool interactive, bool details) : interactive_(interactive), details_(details) {}

  void ready(const Session& session, std::uint32_t seed) override;

  void begin(Showing showing) override {
    bar_.emplace("reading");
    line_ = Line::none;
    showing_ = showing;
  }

  void reading(int done, int total) override {
    constexpr int kLong = 256;  // tokens that take most models a moment
    if (done > 0) bar_->update(double(done) / total);
    if (done == 0 && total >= kLong) bar_->show();
  }

  void prompt(const std::string& text) override { write_error(dim(make_visible(text)) + "\n"); }

  void text(std::string_view text, bool reasoning) override;
  void call(const ToolCall& call) override;
  void end(const ChatAnswer& answer, const Session& session) override;

  void fail(const Error& error) override {
    try {
      if (bar_) end_line();
    } catch (const Error&) {}  // `error` may well be that nothing can be written any more
    bar_.reset();
    if (error.code() == Errc::cancelled) {
      print_note("stopped while reading; the message is not part of the conversation");
    } else {
      write_error(fmt::format("error: {}\n", error.what()));
    }
  }

 private:
  // What the line the cursor is on has to show.
  enum class Line { none, answer, reasoning, thinking };

  void write(const std::string& text) {
    if (filtered_ && !showing_.plain && takes_escapes(STDOUT_FILENO)) {
      live_.push(text);
      line_ = live_.in_line() ? Line::answer : Line::none;
      return;
    }
    write_output(text);
    if (!text.empty()) line_ = text.back() == '\n' ? Line::none : Line::answer;
  }
  void leave_reasoning();
  void end_line();

  bool interactive_, details_;
  Showing showing_;
  std::optional<ProgressBar> bar_;  // from begin() on, until the answer is there
  Line line_ = Line::none;
  bool filtered_ = is_terminal(STDOUT_FILENO);
  OutputFilter filter_;
  LiveText live_{takes_colour(STDOUT_FILENO)};
};

void TextView::ready(const Session& session, std::uint32_t) {
  if (!interactive_) return;
  const ModelInfo info = session.model().info();
  write_error(dim(fmt::format("{} ({}, {} parameters, {}), context {}, {} thread{}, {}\n"
                              "/help lists commands; Ctrl-C stops an answer, Ctrl-D leaves.",
                              make_visible(info.name), make_visible(info.architecture),
                              format_count(info.parameters), info.type, session.context(), session.threads(),
                              session.threads() == 1 ? "" : "s", info.isa)) +
              "\n");
}

// Reasoning is no part of the answer: it goes to stderr, and to people only.
void TextView::text(std::string_view text, bool reasoning) {
  bar_->clear();
  if (!reasoning) {
    leave_reasoning();
    write(filtered_ ? filter_.push(text) : std::string(text));
  } else if (interactive_ && showing_.reasoning) {
    write_error(dim(make_visible(text)));
    line_ = Line::reasoning;
  } else if (interactive_ && line_ == Line::none && takes_escapes(STDERR_FILENO)) {
    write_error(dim("thinking ..."));
    line_ = Line::thinking;
  }
}

void TextView::leave_reasoning() {
  if (line_ == Line::reasoning) write_error("\n");
  if (line_ == Line::thinking) write_error(kClearLine);
  if (line_ != Line::answer) line_ = Line::none;
}

void TextView::end_line() {
  // The terminal shows "^C" where the cursor is.
  const bool echoed = !bar_->clear() && line_ == Line::none && interactive_ && signal_waiting();
  leave_reasoning();
  if (echoed) write_error("\n");
  write(filter_.finish());
  live_.finish();
  if (line_ == Line::answer) write_output("\n");
  line_ = Line::none;
}

void TextView::call(const ToolCall& call) {
  print_note(fmt::format("the model calls {}({})", make_visible(call.name), make_visible(call.arguments)));
}

void TextView::end(const ChatAnswer& answer, const Session& session) {
  if (answer.written_tokens == 0) line_ = Line::answer;  // an empty answer is a line of its own
  end_line();
  bar_.reset();
  if (answer.dropped_turns > 0) {
    print_note(answer.dropped_turns == 1
                   ? "the context is full: the model no longer sees the oldest turn"
                   : fmt::format("the context is full: the model no longer sees the oldest {} turns",
                                 answer.dropped_turns));
  }
  if (answer.reason == StopReason::cancelled) {
    print_note("the answer was stopped");
  } else if (answer.reason != StopReason::end_of_generation) {
    print_note(fmt::format("the answer was stopped: {}", stop_reason_name(answer.reason)));
  }
  const bool told = details_ || (interactive_ && is_terminal(STDERR_FILENO));
  if (!told || answer.write_seconds <= 0) return;
  write_error(
      dim(fmt::format("[{} tokens, {:.1f} tokens/s; context {} of {}]", answer.written_tokens,
                      answer.written_tokens / answer.write_seconds, session.size(), session.context())) +
      "\n");
}

}  // namespace

std::unique_ptr<AnswerView> make_text_view(bool interactive, bool details) {
  return std::make_unique<TextView>(interactive, details);
}

}  // namespace longhand::cli
