// The chat itself: takes lines, answers messages, runs commands, until somebody leaves.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/chat/answer_view.h"
#include "cli/chat/chat_commands.h"
#include "cli/chat/reach_note.h"
#include "cli/terminal/line_input.h"

namespace longhand::cli {

class ChatLoop {
 public:
  /// What is told beside the answers.
  struct Notes {
    bool prompt;
    ReachNote reach;
  };
  /// What lines may be beside messages.
  struct Lines {
    bool commands;  // "/name" does something
    bool quotes;    // three quotes begin a message of several lines
    bool each;      // also an empty line gets an answer: an error
  };
  ChatLoop(ChatState& state, AnswerView& view, Notes notes, Lines lines)
      : state_(state), input_(state.input), view_(view), notes_(std::move(notes)), lines_(lines) {}

  /// Until the end of input; returns the exit status.
  int run();
  /// One message and its answer.
  void send(const std::string& text);
  /// The status to exit with: of a signal, or failure where nobody was there to see an error.
  int status() const;

 private:
  bool handle_line(std::string text);
  bool handle_empty();
  bool is_command(const std::string& text) const;
  bool read_quoted(std::string& text);
  bool read_continued(std::string& text);
  bool handle_interrupt(const std::string& typed);
  void command(const std::string& line);
  void answer(const std::function<ChatAnswer(const ChatListener&)>& ask);
  std::optional<std::vector<std::string>> results_of(std::span<const ToolCall> calls,
                                                     const ChatAnswer& written);
  void keep();
  void fail(const Error& error);
  void drop_attached(const std::string& message);

  ChatState& state_;
  LineInput& input_;
  AnswerView& view_;
  Notes notes_;
  Lines lines_;
  std::string unknown_;       // a line that is no command, and becomes a message with the Enter key
  int empty_interrupts_ = 0;  // Ctrl-C at an empty prompt, in a row
  bool interrupted_ = false;  // pressed so that the program should end
  bool failed_ = false;       // a message got no answer
};

}  // namespace longhand::cli
