// A chat in which the model may call functions: `longhand chat --tools`. Whoever sits at the terminal, or the
// program at the other end of the pipe, gives their results.
#pragma once

#include <string>
#include <vector>

#include "cli/chat/answer_view.h"
#include "cli/chat/chat_settings.h"
#include "cli/terminal/line_input.h"
#include "engine/longhand.h"

namespace longhand::cli {

class ToolChat {
 public:
  /// Where messages and results come from and where answers go.
  struct Ends {
    LineInput& input;
    AnswerView& view;
    bool json = false;         ///< results are objects {"tool_call_id", "content"}, one a line
    bool show_prompt = false;  ///< AnswerView::prompt is told
  };
  struct Offer {
    std::string tools;   ///< JSON
    std::string choice;  ///< "auto", "required", or the function that the first answer to a message calls
  };
  /// Throws Error as Session, ChatTemplate, ToolSet and Sampler do.
  ToolChat(const Model& model, const ProgramSettings& settings, const SessionOptions& options,
           const ChatTemplateOptions& written, Offer offer, Ends ends);

  /// One message, its answer, and all calls and answers that follow from it.
  void send(const std::string& text);
  /// Messages until the end of input. Returns the exit status.
  int run();
  int status() const;
  const Session& session() const noexcept { return session_; }
  std::uint32_t seed() const noexcept { return later_.sampler.seed(); }

 private:
  struct Rule {
    ToolSet tools;
    Sampler sampler;
  };
  Rule rule(const std::string& tools, const std::string& choice) const;
  ChatAnswer answer(Rule& rule, AnswerParser& parser, const ToolPrompt& prompt);
  bool show(const std::vector<AnswerEvent>& events);
  bool take_results(const std::vector<ToolCall>& calls);
  bool take_result(std::vector<ChatMessage>& results, std::size_t next);

  ProgramSettings settings_;
  Model model_;
  ChatTemplate written_;
  Rule first_, later_;  // for the first answer to a message, and for those after results
  Session session_;
  Ends ends_;
  std::vector<ChatMessage> messages_;
  bool failed_ = false, left_ = false, interrupted_ = false;
};

}  // namespace longhand::cli
